import { type Elastic, granted } from "./elastic.ts";
import { type NamedIndex, parseIndexName } from "./index-name.ts";

/** For how long an index is kept after its time is over, milliseconds, by data set; 0: for ever. */
export type Retention = (set: string) => number;

/** An index whose time was over, and what was in it. */
export interface DeletedIndex extends NamedIndex {
  readonly documents: number;
  readonly bytes: number;
  readonly keptMs: number;
}

/** Those of our indices that may go: whose last moment is longer ago than what is asked to be kept. */
export function expired(names: readonly string[], retention: Retention, now: number): readonly NamedIndex[] {
  return names
    .flatMap((name) => parseIndexName(name) ?? [])
    .filter(({ set, until }) => retention(set) > 0 && until + retention(set) <= now)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

interface Listed {
  readonly index: string;
  /** Numbers as texts; null of an index that is closed. */
  readonly "docs.count": string | null;
  readonly "store.size": string | null;
}

export interface RetentionOptions {
  readonly namespace: string;
  readonly retention: Retention;
  /** Milliseconds. */
  readonly now: number;
  /** Only to say what would be deleted. */
  readonly dry: boolean;
  /** Called before the next one is deleted: so that none is gone without a word. */
  readonly onDeleted: (deleted: DeletedIndex) => Promise<void>;
}

/** Deletes whole indices, the oldest first. What is not named as ours are is left alone. */
export async function deleteExpired(elastic: Elastic, options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { namespace, retention, now, dry, onDeleted } = options;
  const listed = await list(elastic, namespace, signal);
  const sizes = new Map(listed.map((one) => [one.index, one]));
  for (const index of expired([...sizes.keys()], retention, now)) {
    const size = sizes.get(index.name);
    if (!dry && !(await remove(elastic, index.name, signal))) continue; // another process was quicker, and tells of it
    const [documents, bytes] = [Number(size?.["docs.count"] ?? 0), Number(size?.["store.size"] ?? 0)];
    await onDeleted({ ...index, documents, bytes, keptMs: retention(index.set) });
  }
}

async function list(elastic: Elastic, namespace: string, signal: AbortSignal): Promise<readonly Listed[]> {
  const answer = await elastic.ask<readonly Listed[]>(
    {
      method: "GET",
      path: `/_cat/indices/sluice-*-${namespace}-*`,
      query: { format: "json", h: "index,docs.count,store.size", bytes: "b", expand_wildcards: "open,closed" },
    },
    signal,
  );
  return granted(answer, "the list of indices");
}

async function remove(elastic: Elastic, name: string, signal: AbortSignal): Promise<boolean> {
  const answer = await elastic.ask({ method: "DELETE", path: `/${name}` }, signal);
  if (answer.status === 404) return false;
  granted(answer, `index ${name}`);
  return true;
}

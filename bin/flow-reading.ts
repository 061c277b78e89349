import type { Clock } from "../core/clock.ts";
import type { FlowQuery, FlowStore, SearchQuery } from "../core/flow-store.ts";
import type { Flow } from "../core/records/flow.ts";

const pageSize = 1000;

/** Flows in the order asked for, page by page, up to `limit`. */
export async function* pagesOf(
  store: Pick<FlowStore, "search">,
  query: FlowQuery & { readonly order: SearchQuery["order"]; readonly limit: number },
  signal: AbortSignal,
): AsyncGenerator<readonly Flow[]> {
  let left = query.limit;
  let cursor: string | undefined;
  while (left > 0 && !signal.aborted) {
    const at = cursor === undefined ? {} : { cursor };
    const page = await store.search({ ...query, ...at, limit: Math.min(left, pageSize) }, signal);
    if (page.items.length > 0) yield page.items;
    left -= page.items.length;
    cursor = page.cursor;
    if (cursor === undefined) return;
  }
}

/** The newest `limit` flows, oldest first. */
export async function newest(
  store: FlowStore,
  query: FlowQuery,
  limit: number,
  signal: AbortSignal,
): Promise<readonly Flow[]> {
  const pages: (readonly Flow[])[] = [];
  for await (const page of pagesOf(store, { ...query, order: "newest", limit }, signal)) pages.push(page);
  return pages.flat().reverse();
}

/** When the newest `last` flows begin, for what sums them up; of others that began in that same microsecond all count. */
export async function sinceLast(
  store: FlowStore,
  query: FlowQuery,
  last: number | undefined,
  signal: AbortSignal,
): Promise<number> {
  if (last === undefined) return query.since;
  let since = query.since;
  for await (const page of pagesOf(store, { ...query, order: "newest", limit: last }, signal))
    since = page.at(-1)?.start ?? since;
  return since;
}

export interface Following {
  readonly clock: Clock;
  /** How long after its start a record may become visible: its window, and what spool, enricher and archive wait. */
  readonly lateMs: number;
  /** Flows already told. */
  readonly told: readonly Flow[];
}

const pollMs = 500;

/** Flows from `query.since` on, each once, as they become visible; until the signal aborts. */
export async function* followed(
  store: FlowStore,
  query: FlowQuery,
  { clock, lateMs, told }: Following,
  signal: AbortSignal,
): AsyncGenerator<readonly Flow[]> {
  const known = new Map(told.map((flow) => [idOf(flow), flow.start]));
  let since = query.since;
  const aheadMs = Math.max(0, query.until / 1000 - clock.now());
  while (!signal.aborted) {
    const until = Math.floor(clock.now() + aheadMs) * 1000;
    const asked = { ...query, since, until, order: "oldest", limit: Number.POSITIVE_INFINITY } as const;
    for await (const page of pagesOf(store, asked, signal)) {
      const fresh = page.filter((flow) => !known.has(idOf(flow)));
      for (const flow of fresh) known.set(idOf(flow), flow.start);
      if (fresh.length > 0) yield fresh;
    }
    since = Math.max(query.since, Math.floor(clock.now() - lateMs) * 1000);
    for (const [id, start] of known) if (start < since) known.delete(id);
    await clock.sleep(pollMs, signal);
  }
}

const idOf = ({ node, epoch, seq }: Flow): string => `${node} ${epoch} ${seq}`;

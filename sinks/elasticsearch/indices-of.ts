import { type Elastic, granted } from "./elastic.ts";
import { parseIndexName, patternOf } from "./index-name.ts";

/** Which records: of a data set, of one namespace of indices or all, of a span (microseconds, `until` not included). */
export interface Wanted {
  readonly set: string;
  readonly namespace: string | undefined;
  readonly since: number;
  readonly until: number;
}

interface Resolved {
  readonly indices: readonly { readonly name: string }[];
}

/** What to write in a path for the indices that hold a span, so that no other is opened; undefined if there is none. */
export async function indicesOf(elastic: Elastic, wanted: Wanted, signal: AbortSignal): Promise<string | undefined> {
  const path = `/_resolve/index/${patternOf(wanted.set, wanted.namespace)}`;
  const query = { expand_wildcards: "open", ignore_unavailable: true, filter_path: "indices.name" };
  const answer = await elastic.ask<Partial<Resolved>>({ method: "GET", path, query }, signal);
  if (answer.status === 404) return undefined;
  const { indices = [] } = granted(answer, "which indices there are");
  return expressionOf(
    indices.map(({ name }) => name),
    wanted,
  );
}

/** http.max_initial_line_length is 4 KiB by default, and parameters stand in that line too. */
const longestPath = 3_000;

/** Names of those of the indices that hold the span; by months, then years, with a star, where there are too many to name. */
export function expressionOf(names: readonly string[], { set, namespace, since, until }: Wanted): string | undefined {
  const held = names
    .flatMap((name) => parseIndexName(name) ?? [])
    .filter((index) => index.set === set && (namespace === undefined || index.namespace === namespace))
    .filter((index) => index.since * 1000 < until && index.until * 1000 > since);
  if (held.length === 0) return undefined;
  const cuts = [Number.POSITIVE_INFINITY, "YYYY.MM".length, "YYYY".length];
  const expressions = cuts.map((cut) => {
    const parts = held.map(({ name, namespace: of }) => {
      const end = `sluice-${set}-${of}-`.length + cut;
      return end < name.length ? `${name.slice(0, end)}*` : name;
    });
    return [...new Set(parts)].toSorted().join(",");
  });
  return expressions.find((text) => text.length <= longestPath) ?? patternOf(set, namespace);
}

import type { SequenceRun } from "./completeness.ts";
import { pagesOf } from "./flow-reading.ts";
import type { Span, Store } from "./store.ts";

/** `Store.sequences` of a store that cannot tell by itself: reads every flow of the span. */
export async function sequencesBySearch(
  store: Pick<Store, "search" | "losses" | "heartbeats">,
  span: Span,
): Promise<readonly SequenceRun[]> {
  const numbers: Numbered[] = [...(await store.losses(span)), ...(await store.heartbeats(span))];
  const query = { ...span, filter: null, allReports: true, order: "oldest", limit: Number.POSITIVE_INFINITY } as const;
  for await (const page of pagesOf(store, query, new AbortController().signal))
    for (const { node, epoch, seq } of page) numbers.push({ node, epoch, seq });
  return sequenceRuns(numbers);
}

/** What every record of a node carries. */
interface Numbered {
  readonly node: string;
  readonly epoch: number;
  readonly seq: number;
}

/** The runs without gaps that the numbers of records make; a number may come twice. */
export function sequenceRuns(records: Iterable<Numbered>): readonly SequenceRun[] {
  const numbers = new Map<string, { readonly node: string; readonly epoch: number; readonly seqs: number[] }>();
  for (const { node, epoch, seq } of records) {
    const key = `${epoch} ${node}`;
    const known = numbers.get(key) ?? { node, epoch, seqs: [] };
    known.seqs.push(seq);
    numbers.set(key, known);
  }
  return [...numbers.values()].flatMap(({ node, epoch, seqs }) =>
    runsOf(seqs.sort((a, b) => a - b)).map(({ first, last }) => ({ node, epoch, first, last })),
  );
}

function runsOf(sorted: readonly number[]): readonly { readonly first: number; readonly last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const seq of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && seq <= run.last + 1) run.last = seq;
    else runs.push({ first: seq, last: seq });
  }
  return runs;
}

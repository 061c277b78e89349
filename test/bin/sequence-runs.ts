import type { SequenceRun } from "../../bin/completeness.ts";

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

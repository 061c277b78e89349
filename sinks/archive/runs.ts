import type { Row } from "./database.ts";

/** Numbers that one run of a node's collector gave its records, without a gap from `first` to `last`. */
export interface Run {
  readonly node: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

/** The runs that the records of a relation with node, epoch and seq make: seq less its place is the same all along a run. */
export function runsSql(relation: string, where = "true"): string {
  return `
    select node, epoch::DOUBLE as epoch, min(seq)::DOUBLE as first, max(seq)::DOUBLE as last from (
      select node, epoch, seq, seq - row_number() over (partition by node, epoch order by seq) as island
      from (select distinct node, epoch, seq from ${relation} where ${where}))
    group by node, epoch, island`;
}

export function runOfRow(row: Row): Run {
  return {
    node: String(row["node"]),
    epoch: Number(row["epoch"]),
    first: Number(row["first"]),
    last: Number(row["last"]),
  };
}

/** Runs that touch or overlap as one, by node, epoch and number. */
export function joinedRuns(runs: readonly Run[]): readonly Run[] {
  const joined: Run[] = [];
  for (const run of runs.toSorted(inOrder)) {
    const before = joined.at(-1);
    const goesOn = before?.node === run.node && before.epoch === run.epoch && run.first <= before.last + 1;
    if (before === undefined || !goesOn) joined.push(run);
    else joined[joined.length - 1] = { ...before, last: Math.max(before.last, run.last) };
  }
  return joined;
}

function inOrder(a: Run, b: Run): number {
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  return a.epoch - b.epoch || a.first - b.first;
}

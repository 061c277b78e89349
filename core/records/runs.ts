/** Numbers that one run of a node's collector gave its records, without a gap from `first` to `last`. */
export interface Run {
  readonly node: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
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

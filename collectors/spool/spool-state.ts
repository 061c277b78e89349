import type { Disk } from "./disk.ts";
import { origin, type Position } from "./position.ts";
import { replacingFile } from "./replaced-file.ts";
import type { SlowCalls } from "./slow-calls.ts";

// A small file of lines, replaced as a whole:
//   acked EPOCH SEQ            everything up to there is durable elsewhere
//   dropped EPOCH FIRST LAST   numbers that are not in the segments, and of which a loss was recorded
const name = "acked";

export interface Dropped {
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

export interface SpoolState {
  readonly acked: Position;
  readonly dropped: readonly Dropped[];
}

/** What was saved last. Without a file, or with one that does not read, records come twice: none is missed. */
export function loadState(disk: Disk, folder: string): SpoolState {
  const lines = disk.list(folder).includes(name) ? disk.load(`${folder}/${name}`).toString("latin1").split("\n") : [];
  let acked = origin;
  const dropped: Dropped[] = [];
  for (const line of lines) {
    const [word, ...rest] = line.split(" ");
    const [epoch = Number.NaN, first = Number.NaN, last = Number.NaN] = rest.map(Number);
    if (word === "acked" && Number.isSafeInteger(epoch) && Number.isSafeInteger(first)) acked = { epoch, seq: first };
    if (word === "dropped" && [epoch, first, last].every(Number.isSafeInteger)) dropped.push({ epoch, first, last });
  }
  return { acked, dropped };
}

/** Yields while the disk works. */
export function savingState(
  disk: Disk,
  calls: SlowCalls,
  folder: string,
  { acked, dropped }: SpoolState,
): Generator<void> {
  const lines = [
    `acked ${acked.epoch} ${acked.seq}`,
    ...dropped.map(({ epoch, first, last }) => `dropped ${epoch} ${first} ${last}`),
  ];
  return replacingFile(disk, calls, folder, name, Buffer.from(`${lines.join("\n")}\n`, "latin1"));
}

/** How many of the numbers from `first` to `last` of an epoch are missing without a recorded loss. */
export function unexplained(dropped: readonly Dropped[], epoch: number, first: number, last: number): number {
  return dropped.reduce(
    (missing, range) =>
      range.epoch === epoch
        ? missing - Math.max(0, Math.min(last, range.last) - Math.max(first, range.first) + 1)
        : missing,
    last - first + 1,
  );
}

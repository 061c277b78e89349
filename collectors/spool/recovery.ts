import type { RawFlow } from "../../core/records/flow.ts";
import type { Disk } from "./disk.ts";
import { loadStanding, type Standing, tell } from "./open-connections.ts";
import { isAfter, type Position } from "./position.ts";
import { findSegment, firstOf, type Segment, segmentNumbers, segmentPath } from "./segment.ts";
import { scan } from "./spool-reader.ts";

/** What earlier runs left in a folder. */
export interface Recovered {
  readonly segments: readonly Segment[];
  readonly nextNumber: number;
  readonly standing: Standing;
  /** Of the last record that was told, microseconds; null if none is known. */
  readonly lastSign: number | null;
  /** Up to there all that the last run saw was told, microseconds; null if no run is known. */
  readonly toldUpTo: number | null;
  /** The last run ended in order, or there was none. */
  readonly orderly: boolean;
}

/** Throws DATA_VERSION for what another version wrote, before anything is changed. */
export function recover(disk: Disk, folder: string): Recovered {
  const files = disk.list(folder);
  const saved = loadStanding(disk, folder);
  const numbers = segmentNumbers(files);
  const found = numbers.map((number) => findSegment(disk, folder, number));
  const segments = found.filter((segment) => segment !== undefined);
  for (const [index, number] of numbers.entries())
    if (found[index] === undefined) disk.remove(segmentPath(folder, number));
  for (const file of files) if (file.endsWith(".tmp")) disk.remove(`${folder}/${file}`);
  return { segments, nextNumber: (numbers.at(-1) ?? 0) + 1, ...replay(disk, segments, saved) };
}

/** Takes in what was told since the standing was saved. */
function replay(
  disk: Disk,
  segments: readonly Segment[],
  saved: Standing,
): Pick<Recovered, "standing" | "lastSign" | "toldUpTo" | "orderly"> {
  const open = new Map<string, RawFlow>(saved.open);
  const from = segments.findLastIndex((segment) => !isAfter(firstOf(segment), next(saved.upTo)));
  let upTo = saved.upTo;
  let lastSign: number | null = null;
  let toldUpTo: number | null = null;
  let epoch = 0;
  let orderly = segments.length === 0 && saved.since === null;
  for (const segment of segments.slice(Math.max(from, 0))) {
    const { last, span, ended, ...found } = scan(disk, segment, (record, at) => {
      if (isAfter(at, saved.upTo)) tell(open, record);
    });
    segment.last = last;
    segment.span = span;
    if (segment.header.epoch > epoch) toldUpTo = segment.header.epoch * 1000;
    epoch = segment.header.epoch;
    toldUpTo = found.toldUpTo ?? toldUpTo;
    lastSign = span?.end ?? lastSign ?? segment.header.epoch * 1000;
    orderly = ended;
    const end = { epoch: segment.header.epoch, seq: last };
    if (isAfter(end, upTo)) upTo = end;
  }
  const since = saved.since ?? segments[0]?.header.epoch ?? null;
  return { standing: { open, upTo, since }, lastSign, toldUpTo, orderly };
}

function next({ epoch, seq }: Position): Position {
  return { epoch, seq: seq + 1 };
}

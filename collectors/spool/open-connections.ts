import type { RawFlow } from "../../core/records/flow.ts";
import type { Disk } from "./disk.ts";
import { frameAt } from "./frame.ts";
import { origin, type Position } from "./position.ts";
import { FrameWriter, recordIn } from "./record-frames.ts";
import { ReplacedFile } from "./replaced-file.ts";
import { decodeHeader, encodeHeader } from "./segment-header.ts";
import type { SlowCalls } from "./slow-calls.ts";

// The last record of each connection that was open when a segment ended, so that the segments before can be removed and
// what a connection was told to have carried is still known. A file as a segment: header, one frame a connection, an end.
const name = "open";
const chunkBytes = 1 << 20;

/** What was told of connections that may go on. */
export interface Standing {
  /** By id, zone and start: the last record of each. */
  readonly open: ReadonlyMap<string, RawFlow>;
  /** All records up to there are taken into account. */
  readonly upTo: Position;
  /** When collecting began for the first time, milliseconds; null if that is not known. */
  readonly since: number | null;
}

/** Takes in a record that was told. */
export function tell(open: Map<string, RawFlow>, record: RawFlow): void {
  if (record.connection === null) return;
  const key = `${record.connection} ${record.zone} ${record.startedAt}`;
  if (record.state === "closed") open.delete(key);
  else open.set(key, record);
}

/** Writes the last record of one connection into frames, under a number. */
export type WriteOpen = (writer: FrameWriter, seq: number) => void;

export interface SavedStanding {
  readonly cluster: string;
  readonly node: string;
  readonly upTo: Position;
  readonly since: number;
  readonly open: Iterable<WriteOpen>;
}

/**
 * In slices of a megabyte, and yields while the disk works. What is told meanwhile may be in it or not: it comes behind `upTo`, and is taken in again.
 */
export function* savingStanding(
  disk: Disk,
  calls: SlowCalls,
  folder: string,
  { cluster, node, upTo, since, open }: SavedStanding,
): Generator<void> {
  const header = { cluster, node, epoch: upTo.epoch, first: upTo.seq + 1, created: since };
  const file = new ReplacedFile(disk, calls, folder, name);
  try {
    yield* file.write(encodeHeader(header));
    const writer = new FrameWriter(chunkBytes);
    let count = 0;
    for (const write of open) {
      if (!writer.hasRoom) {
        yield* file.write(writer.written);
        writer.reset();
        yield;
      }
      write(writer, count++);
    }
    writer.orderlyEnd(count);
    yield* file.write(writer.written);
    yield* file.complete();
  } finally {
    file.close();
  }
}

/** What was saved last; nothing if the file is not there or damaged. Throws DATA_VERSION. */
export function loadStanding(disk: Disk, folder: string): Standing {
  const open = new Map<string, RawFlow>();
  if (!disk.list(folder).includes(name)) return { open, upTo: origin, since: null };
  const bytes = disk.load(`${folder}/${name}`);
  const found = decodeHeader(bytes, `${folder}/${name}`);
  if (found === undefined) return { open, upTo: origin, since: null };
  const { epoch, first, created } = found.header;
  for (let at = found.bytes; ; ) {
    const frame = frameAt(bytes, at, bytes.length);
    if (typeof frame !== "object") return { open: new Map(), upTo: origin, since: null };
    const content = recordIn(bytes, frame, found.header);
    if (content === undefined) return { open, upTo: { epoch, seq: first - 1 }, since: created };
    if (content.kind === "flow") tell(open, content.record);
    at = frame.end;
  }
}

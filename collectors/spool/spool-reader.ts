import { SluiceError } from "../../core/errors.ts";
import type { RawDns } from "../../core/records/dns.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { type Batch, type Framed, joined } from "./batch.ts";
import type { Disk } from "./disk.ts";
import { type Frame, frameAt, frameHeadBytes, frameKind } from "./frame.ts";
import { isAfter, type Position } from "./position.ts";
import { recordIn, windowToldIn } from "./record-frames.ts";
import { firstOf, type Segment, type Span, union } from "./segment.ts";
import type { SegmentHeader } from "./segment-header.ts";
import { SegmentReader } from "./segment-reader.ts";
import type { Chunk } from "./segment-writer.ts";

/** Numbers that should be there and are not, within one epoch. */
export interface Gap {
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly span: Span;
}

export interface Read {
  readonly batch: Batch;
  /** The same, of one epoch, as they stand in the spool. */
  readonly framed: Framed;
  /** Of the last record. */
  readonly last: Position;
}

/** Gathers records into batches, and notices where numbers are missing between them. */
class Gathering {
  readonly flows: RawFlow[] = [];
  readonly losses: Loss[] = [];
  readonly heartbeats: Heartbeat[] = [];
  readonly dns: RawDns[] = [];
  readonly #frames: Buffer[] = [];
  after: Position;
  count = 0;

  constructor(after: Position) {
    this.after = after;
  }

  /** Takes a frame in; the numbers missing before it, if any. */
  take(bytes: Buffer, frame: Frame, header: SegmentHeader): Gap | undefined {
    const at = { epoch: header.epoch, seq: frame.seq };
    if (!isAfter(at, this.after)) return undefined;
    const found = recordIn(bytes, frame, header);
    const end = found?.record.end ?? header.created * 1000;
    const gap = this.#gapBefore(at, end);
    this.after = found === undefined ? { epoch: at.epoch, seq: at.seq - 1 } : at;
    if (found === undefined) return gap;
    this.count++;
    this.#frames.push(Buffer.from(bytes.subarray(frame.start - frameHeadBytes, frame.end)));
    if (found.kind === "flow") this.flows.push(found.record);
    else if (found.kind === "loss") this.losses.push(found.record);
    else if (found.kind === "heartbeat") this.heartbeats.push(found.record);
    else this.dns.push(found.record);
    return gap;
  }

  /** What was gathered, if anything was. */
  get read(): Read | undefined {
    if (this.count === 0) return undefined;
    const { flows, losses, heartbeats, dns } = this;
    const counts = {
      flows: flows.length,
      losses: losses.length,
      heartbeats: heartbeats.length,
      dns: dns.length,
    };
    return {
      batch: { flows, losses, heartbeats, dns },
      framed: { ...counts, epoch: this.after.epoch, bytes: joined(this.#frames) },
      last: this.after,
    };
  }

  #gapBefore({ epoch, seq }: Position, end: number): Gap | undefined {
    if (this.after.epoch === 0) return undefined; // nobody knows where it began
    const first = this.after.epoch === epoch ? this.after.seq + 1 : 0;
    if (seq <= first) return undefined;
    return { epoch, first, last: seq - 1, span: { start: Math.min(epoch * 1000, end), end } };
  }
}

export interface SpoolReaderOptions {
  readonly disk: Disk;
  /** The segments there are, oldest first. */
  readonly segments: () => readonly Segment[];
  readonly onGap: (gap: Gap) => void;
}

/** Reads the records of all segments in order. */
export class SpoolReader {
  readonly #options: SpoolReaderOptions;
  #reader: SegmentReader | undefined;
  #after: Position | undefined;

  constructor(options: SpoolReaderOptions) {
    this.#options = options;
  }

  /** Up to `limit` records behind `after`; undefined if there is none. */
  read(after: Position, limit: number): Read | undefined {
    this.#seek(after);
    this.#after = undefined; // if reading fails, the next begins anew
    const gathering = new Gathering(after);
    while (gathering.count < limit) {
      const frame = this.#reader?.next();
      if (frame !== undefined) this.#take(gathering, frame);
      // What is gathered is of one segment, hence of one epoch.
      else if (gathering.count > 0 || !this.#nextSegment()) break;
    }
    this.#after = gathering.after;
    return gathering.read;
  }

  close(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.close();
  }

  #take(gathering: Gathering, frame: Frame): void {
    const { bytes, segment } = this.#reader as SegmentReader;
    try {
      const gap = gathering.take(bytes, frame, segment.header);
      if (gap !== undefined) this.#options.onGap(gap);
    } catch (thrown) {
      // What does not decode is missing: the next record that does shows the gap.
      if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED") throw thrown;
    }
  }

  /** Goes on where the last read ended, if that is where it is to go on and the segment is still there. */
  #seek(after: Position): void {
    const segments = this.#options.segments();
    const stays = this.#reader !== undefined && segments.includes(this.#reader.segment);
    if (stays && this.#after?.epoch === after.epoch && this.#after.seq === after.seq) return;
    this.close();
    const next = { epoch: after.epoch, seq: after.seq + 1 };
    const found = segments.findLast((segment) => !isAfter(firstOf(segment), next)) ?? segments[0];
    if (found !== undefined) this.#reader = new SegmentReader(this.#options.disk, found);
  }

  #nextSegment(): boolean {
    const { number } = this.#reader?.segment ?? { number: -1 };
    const next = this.#options.segments().find((segment) => segment.number > number);
    if (next === undefined) return false;
    this.close();
    this.#reader = new SegmentReader(this.#options.disk, next);
    return true;
  }
}

/** Up to `limit` records behind `after` of frames in memory. */
export function gather(
  chunks: readonly Chunk[],
  header: SegmentHeader,
  after: Position,
  limit: number,
): Read | undefined {
  const gathering = new Gathering(after);
  for (const { bytes, last } of chunks) {
    if (!isAfter({ epoch: header.epoch, seq: last }, after)) continue;
    for (let at = 0; gathering.count < limit; ) {
      const frame = frameAt(bytes, at, bytes.length);
      if (typeof frame !== "object") break;
      gathering.take(bytes, frame, header);
      at = frame.end;
    }
  }
  return gathering.read;
}

export interface SegmentSummary {
  readonly last: number;
  readonly span: Span | undefined;
  /** When the last window ended that it says was told, microseconds. */
  readonly toldUpTo: number | undefined;
  /** Its epoch ended in order, in this segment. */
  readonly ended: boolean;
}

/** Reads a whole segment, handing on each record. */
export function scan(disk: Disk, segment: Segment, each: (record: RawFlow, at: Position) => void): SegmentSummary {
  let last = segment.header.first - 1;
  let span: Span | undefined;
  let toldUpTo: number | undefined;
  let ended = false;
  const reader = new SegmentReader(disk, segment);
  try {
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      ended = frame.kind === frameKind.end;
      toldUpTo = windowToldIn(reader.bytes, frame) ?? toldUpTo;
      const found = decoded(reader.bytes, frame, segment.header);
      if (found === undefined) continue;
      last = frame.seq;
      span = union(span, found.record);
      if (found.kind === "flow") each(found.record, { epoch: segment.header.epoch, seq: frame.seq });
    }
  } finally {
    reader.close();
  }
  return { last, span, toldUpTo, ended };
}

function decoded(bytes: Buffer, frame: Frame, header: SegmentHeader) {
  try {
    return recordIn(bytes, frame, header);
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED") throw thrown;
    return undefined;
  }
}

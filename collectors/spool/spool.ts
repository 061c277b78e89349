import type { Clock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Batch } from "./batch.ts";
import { type Disk, realDisk } from "./disk.ts";
import { savingStanding, type WriteOpen } from "./open-connections.ts";
import { Pending } from "./pending.ts";
import { isAfter, type Position } from "./position.ts";
import { FrameWriter } from "./record-frames.ts";
import { type Recovered, recover } from "./recovery.ts";
import { Reserve } from "./reserve.ts";
import type { Segment, Span } from "./segment.ts";
import { type DroppedSegment, SegmentList } from "./segment-list.ts";
import { type Chunk, SegmentWriter } from "./segment-writer.ts";
import { QueuedCalls, type SlowCalls, waitingCalls } from "./slow-calls.ts";
import { type Gap, gather, type Read, SpoolReader } from "./spool-reader.ts";
import { type Dropped, loadState, savingState, unexplained } from "./spool-state.ts";
import { Staged } from "./staged.ts";

const chunkBytes = 1 << 20;
const mostSegmentBytes = 16 * 1024 * 1024;
/** A spool has at least so many segments when it is full: the bounds are kept by removing whole ones. */
const segmentsWhenFull = 16;
/** For some 30,000 open connections, or as much less as the spool is small. */
const mostReserveBytes = 4 * 1024 * 1024;
const reserveShare = 64;
/** Room for the frame that says that a window was told. */
const windowToldBytes = 64;
const retryMs = 1000;
const saveMs = 1000;

export interface SpoolSettings {
  readonly folder: string;
  /** What its segments may take together. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** How often what was written is forced to the disk; appending does not wait for it. */
  readonly syncMs: number;
}

export interface SpoolOptions extends SpoolSettings {
  readonly cluster: string;
  readonly node: string;
  readonly clock: Clock;
  /** Records that are gone for good. */
  readonly onLoss: (count: number, span: Span, detail: string) => void;
  /** The disk refuses, or takes again. */
  readonly onTrouble: (trouble: string | null) => void;
  readonly disk?: Disk;
  /** What may wait in memory while the disk takes nothing. */
  readonly memoryBytes?: number;
}

/**
 * A node's records on the disk until the next hop has them durably:
 *
 *   append -> frames -> segment files -> read -> handed out -> ack -> segments removed
 *                  \-> memory, while the disk takes nothing
 *
 * Nothing here throws because of the disk once it is open.
 */
export class Spool {
  readonly recovered: Recovered;
  /** Of the records to come; later than that of any record in the folder. */
  readonly epoch: number;
  readonly #options: SpoolOptions;
  readonly #disk: Disk;
  /** While records come. */
  readonly #queued: QueuedCalls;
  /** Before they come, and when none come any more. */
  readonly #waiting: SlowCalls;
  readonly #segmentBytes: number;
  readonly #frames = new FrameWriter(chunkBytes);
  readonly #segments: SegmentList;
  readonly #writer: SegmentWriter;
  readonly #reader: SpoolReader;
  readonly #reserve: Reserve;
  readonly #pending: Pending;
  readonly #since: number;
  #toldUpTo: number | undefined;
  #nextNumber: number;
  #acked: Position;
  #handedOut: Position;
  /** What the file of open connections takes into account. */
  #remembered: Position;
  #last: Position;
  #dropped: readonly Dropped[];
  #standingDue: boolean;
  #stateDirty = false;
  /** Its state is being saved. */
  #saving: Generator<void> | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;
  #syncedAt: number;
  #retryAt = 0;
  #trouble: string | null = null;

  private constructor(options: SpoolOptions, recovered: Recovered) {
    const disk = options.disk ?? realDisk;
    const { folder, cluster, node, clock, maxBytes } = options;
    const state = loadState(disk, folder);
    const lastEpoch = Math.max(recovered.standing.upTo.epoch, state.acked.epoch, ...epochsOf(recovered.segments));
    this.recovered = recovered;
    this.epoch = Math.max(clock.now(), lastEpoch + 1);
    this.#options = options;
    this.#disk = disk;
    this.#queued = new QueuedCalls(disk);
    this.#waiting = waitingCalls(disk);
    this.#segmentBytes = Math.min(mostSegmentBytes, Math.floor(maxBytes / segmentsWhenFull));
    this.#segments = new SegmentList(disk, recovered.segments);
    this.#writer = new SegmentWriter(disk, this.#queued, folder, { cluster, node, epoch: this.epoch });
    this.#reader = new SpoolReader({
      disk,
      segments: () => this.#segments.all,
      onGap: (gap) => this.#onGap(gap),
    });
    this.#reserve = new Reserve(disk, folder, Math.min(mostReserveBytes, Math.floor(maxBytes / reserveShare)));
    this.#pending = new Pending(this.epoch, options.memoryBytes ?? 32 * 1024 * 1024);
    this.#since = recovered.standing.since ?? this.epoch;
    this.#nextNumber = recovered.nextNumber;
    this.#acked = this.#handedOut = state.acked;
    this.#remembered = this.#last = recovered.standing.upTo;
    this.#dropped = state.dropped;
    this.#standingDue = recovered.segments.length > 0;
    this.#syncedAt = clock.monotonic();
  }

  /** Opens the spool in a folder, which is made if it is not there. Throws DATA_VERSION or STORE_FAILED. */
  static open(options: SpoolOptions): Spool {
    const { folder, disk = realDisk } = options;
    try {
      disk.makeFolder(folder);
      const spool = new Spool(options, recover(disk, folder));
      // At once: that a run began is known even if it ends before its first record.
      spool.#try(() => {
        spool.#begin(0);
        spool.#writer.syncNow(spool.#waiting);
      });
      spool.#reserve.hold();
      return spool;
    } catch (cause) {
      if (cause instanceof SluiceError) throw cause;
      const message = `the spool in ${folder} cannot be opened: ${messageOf(cause)}`;
      throw new SluiceError("STORE_FAILED", message, { cause, context: { folder } });
    }
  }

  /** When collecting began for the first time, milliseconds. */
  get since(): number {
    return this.#since;
  }

  /** What its segments take on the disk. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Up to where records are acked: reading begins behind it. */
  get acked(): Position {
    return this.#acked;
  }

  /** False while neither disk nor memory has room: records must not be numbered then. */
  get hasRoom(): boolean {
    if (this.#pending.full) this.#release();
    return !this.#pending.full;
  }

  /** The disk has something to do yet that nobody waits for. */
  get busy(): boolean {
    return this.#queued.busy;
  }

  /** Open connections are to be saved, once all that was told of them is appended. */
  get standingDue(): boolean {
    return this.#standingDue && this.#pending.empty;
  }

  /** A window that ended then, microseconds, was told: all of it was appended. */
  windowTold(end: number): void {
    this.#toldUpTo = end;
    this.#storeChunk(this.#windowTold(this.#last.epoch === this.epoch ? this.#last.seq + 1 : 0, end));
  }

  /** Takes in frames of records that follow those it has. What the disk does not take stays in memory. */
  appendFrames(chunk: Chunk): void {
    this.#storeChunk(chunk);
    this.#rollIfDue();
  }

  /** Takes records in, in the order of their numbers. */
  append({ flows, losses, heartbeats, dns = [] }: Batch): void {
    const staged = new Staged();
    const put = <T extends { seq: number; start: number; end: number }>(record: T, write: (record: T) => void) => {
      if (!this.#frames.hasRoom) this.#store(staged);
      write(record);
      staged.take(record.seq, record.start, record.end);
    };
    for (const flow of flows) put(flow, (record) => this.#frames.flow(record));
    for (const one of dns) put(one, (record) => this.#frames.dns(record));
    for (const loss of losses) put(loss, (record) => this.#frames.loss(record));
    for (const heartbeat of heartbeats) put(heartbeat, (record) => this.#frames.heartbeat(record));
    this.#store(staged);
    this.#rollIfDue();
  }

  /** Up to `limit` records behind `after`; undefined if there is none now. */
  read(after: Position, limit: number): Read | undefined {
    const read = this.#reading(after, limit);
    if (read !== undefined) this.handOut(read.last);
    return read;
  }

  /** No record is behind `position`. */
  reachedEnd(position: Position): boolean {
    return !isAfter(this.#last, position);
  }

  /** Records up to there are with the reader: they are not dropped. */
  handOut(position: Position): void {
    if (isAfter(position, this.#handedOut)) this.#handedOut = position;
  }

  /** Everything up to there is durable elsewhere. */
  ack(position: Position): void {
    if (!isAfter(position, this.#acked)) return;
    this.#acked = position;
    this.#stateDirty = true;
  }

  /** What is due: has forced to the disk, removes what is not needed, tries again what failed. To be called often. */
  tend(): void {
    const now = this.#options.clock.monotonic();
    if (!this.#pending.empty && now >= this.#retryAt) {
      this.#retry(now);
      this.#release();
    }
    if (this.#writer.dirty) this.#sync(now);
    if (this.#saving === undefined && now - this.#savedAt >= saveMs) {
      this.#savedAt = now;
      this.#try(() => this.#tidy());
      if (this.#stateDirty) this.#saving = this.#savingState(this.#queued);
    }
    this.#goOnSaving();
  }

  /** Remembers connections that may go on; `open` holds the last record of each as appended. */
  saveStanding(open: Iterable<RawFlow>): void {
    for (const _ of this.#savingStanding(() => writersOf(open), this.#waiting));
  }

  /**
   * The same in slices, without waiting for the disk: it yields instead. `open` may be asked again, and what is told meanwhile
   * may be in it or not.
   */
  savingStanding(open: () => Iterable<WriteOpen>): Generator<void> {
    return this.#savingStanding(open, this.#queued);
  }

  *#savingStanding(open: () => Iterable<WriteOpen>, calls: SlowCalls): Generator<void> {
    const { folder, cluster, node } = this.#options;
    this.#standingDue = false;
    const standing = { cluster, node, upTo: this.#last, since: this.#since };
    for (;;)
      try {
        yield* savingStanding(this.#disk, calls, folder, { ...standing, open: open() });
        break;
      } catch (thrown) {
        if (this.#gaveUpRoom()) continue;
        this.#try(() => {
          throw thrown;
        });
        return;
      }
    this.#remembered = standing.upTo;
    this.#stateDirty = true; // segments may be removed now
  }

  /** Says that the run ended in order, waits until all is on the disk, and lets go of the files. */
  close(open: Iterable<RawFlow> | (() => Iterable<WriteOpen>)): void {
    this.#retry(this.#options.clock.monotonic());
    const seq = this.#last.epoch === this.epoch ? this.#last.seq + 1 : 0;
    this.#frames.orderlyEnd(seq);
    this.#store(new Staged(seq));
    const writers = typeof open === "function" ? open : () => writersOf(open);
    if (this.#pending.empty) for (const _ of this.#savingStanding(writers, this.#waiting));
    this.#try(() => this.#writer.close(this.#waiting));
    this.#try(() => this.#tidy());
    this.#saveNow();
    this.#try(() => this.#reader.close());
  }

  /** Asks for what is due to be forced to the disk, and takes in how that went. */
  #sync(now: number): void {
    this.#try(() => this.#writer.settle());
    if (now - this.#syncedAt < this.#options.syncMs) return;
    this.#syncedAt = now;
    this.#writer.sync();
    this.#try(() => this.#writer.settle());
  }

  /** A full disk has room again for what must be written. */
  #gaveUpRoom(): boolean {
    let released = false;
    this.#try(() => {
      released = this.#reserve.release();
    });
    return released;
  }

  #store(staged: Staged): void {
    this.#storeChunk(staged.chunk(this.#frames.written));
    this.#frames.reset();
    staged.clear();
  }

  #storeChunk(chunk: Chunk): void {
    if (chunk.bytes.length === 0) return;
    if (chunk.last >= chunk.first) this.#last = { epoch: this.epoch, seq: chunk.last };
    if (!this.#pending.empty || !this.#try(() => this.#write(chunk))) this.#hold(chunk);
  }

  #hold(chunk: Chunk): void {
    this.#pending.add(chunk);
    // Only one that has ended can be removed, and that may be the only way to have room again.
    if (this.#writer.segment !== undefined) this.#try(() => this.#writer.end());
  }

  /** Gives up what waits for the disk in vain and was stored elsewhere meanwhile. */
  #release(): void {
    const released = this.#pending.release(this.#acked);
    if (released.length === 0) return;
    this.#dropped = [...this.#dropped, ...released];
    this.#stateDirty = this.#standingDue = true;
  }

  #write(chunk: Chunk): void {
    this.#makeRoom(chunk.bytes.length);
    if (this.#writer.segment === undefined) this.#begin(chunk.first);
    this.#writer.write(chunk, this.#options.clock.now());
  }

  #begin(first: number): void {
    // A number that a failed attempt used is not used again: what stands there is recognised as nothing.
    this.#segments.add(this.#writer.begin(this.#nextNumber++, first, this.#options.clock.now()));
    // The segments before will be removed.
    if (this.#toldUpTo !== undefined)
      this.#writer.write(this.#windowTold(first, this.#toldUpTo), this.#options.clock.now());
  }

  #windowTold(next: number, end: number): Chunk {
    const frames = new FrameWriter(windowToldBytes);
    frames.windowTold(next, end);
    return { bytes: frames.written, first: next, last: next - 1, span: undefined };
  }

  #retry(now: number): void {
    this.#retryAt = now + retryMs;
    for (let first = this.#pending.chunks[0]; first !== undefined; first = this.#pending.chunks[0]) {
      const chunk = first;
      if (!this.#try(() => this.#write(chunk))) return;
      this.#pending.shift();
    }
    this.#standingDue = true;
  }

  #rollIfDue(): void {
    const { segment } = this.#writer;
    if (segment === undefined) return;
    const age = this.#options.clock.now() - segment.header.created;
    if (segment.bytes < this.#segmentBytes && age < this.#options.maxAgeMs / segmentsWhenFull) return;
    this.#try(() => this.#writer.end());
    this.#standingDue = true;
  }

  #makeRoom(bytes: number): void {
    const most = this.#options.maxBytes - this.#reserve.bytes;
    while (this.#segments.bytes + bytes > most && this.#segments.all.length > 0) {
      const dropped = this.#segments.drop(this.#acked, this.#handedOut, this.#writer.segment);
      if (dropped === undefined) throw new Error("the spool's bound is reached");
      this.#onDropped(dropped, "the oldest records in the spool, which reached its bound");
    }
  }

  #tidy(): void {
    const active = this.#writer.segment;
    const { clock, maxAgeMs } = this.#options;
    const old = this.#segments.dropOlder(clock.now() - maxAgeMs, this.#acked, this.#handedOut, active);
    for (const dropped of old) this.#onDropped(dropped, "records that waited too long in the spool");
    if (this.#pending.empty) this.#reserve.hold();
  }

  *#savingState(calls: SlowCalls): Generator<void> {
    // Before segments are removed: what is missing without being acked would count as lost.
    const { folder } = this.#options;
    const acked = this.#acked;
    this.#dropped = this.#dropped.filter(({ epoch, last }) => isAfter({ epoch, seq: last }, acked));
    const dropped = this.#dropped;
    this.#stateDirty = false;
    for (let saved = false; !saved; )
      try {
        yield* savingState(this.#disk, calls, folder, { acked, dropped });
        saved = true;
      } catch (thrown) {
        if (this.#gaveUpRoom()) continue;
        this.#stateDirty = true;
        throw thrown;
      }
    yield* this.#segments.trimming(calls, acked, this.#remembered, () => this.#writer.segment);
  }

  #goOnSaving(): void {
    const saving = this.#saving;
    if (saving === undefined) return;
    let done: boolean | undefined = true;
    this.#try(() => {
      done = saving.next().done;
    });
    if (done) this.#saving = undefined;
  }

  #saveNow(): void {
    // What was begun says less than is known now.
    if (this.#saving !== undefined) this.#stateDirty = true;
    this.#saving?.return(undefined);
    this.#saving = undefined;
    if (this.#stateDirty)
      this.#try(() => {
        for (const _ of this.#savingState(this.#waiting));
      });
  }

  #onDropped(dropped: DroppedSegment | "acked", detail: string): void {
    if (dropped === "acked" || dropped.last < dropped.first) return;
    this.#dropped = [...this.#dropped, dropped];
    this.#stateDirty = true;
    this.#options.onLoss(dropped.last - dropped.first + 1, dropped.span, detail);
  }

  #onGap({ epoch, first, last, span }: Gap): void {
    const missing = unexplained(this.#dropped, epoch, first, last);
    if (missing > 0) this.#options.onLoss(missing, span, "records that the spool no longer holds or that are damaged");
  }

  #reading(after: Position, limit: number): Read | undefined {
    let read: Read | undefined;
    const went = this.#try(() => {
      read = this.#reader.read(after, limit);
    });
    if (!went) return undefined; // what is in memory comes after what could not be read
    return read ?? gather(this.#pending.chunks, this.#header, after, limit);
  }

  get #header() {
    const { cluster, node } = this.#options;
    return { cluster, node, epoch: this.epoch, first: 0, created: this.epoch };
  }

  /** Does what the disk may refuse; whether it went well. */
  #try(work: () => void): boolean {
    try {
      work();
    } catch (thrown) {
      this.#retryAt = this.#options.clock.monotonic() + retryMs;
      this.#report(messageOf(thrown));
      return false;
    }
    if (this.#pending.empty) this.#report(null);
    return true;
  }

  #report(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.onTrouble(trouble);
  }
}

function* writersOf(open: Iterable<RawFlow>): Generator<WriteOpen> {
  for (const record of open) yield (writer, seq) => writer.flow({ ...record, seq });
}

function epochsOf(segments: readonly Segment[]): readonly number[] {
  return segments.map(({ header }) => header.epoch);
}

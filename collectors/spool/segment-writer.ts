import type { Disk } from "./disk.ts";
import { writeAll } from "./disk.ts";
import { createSegment, type Segment, type Span, union } from "./segment.ts";
import type { SegmentHeader } from "./segment-header.ts";
import type { SlowCalls } from "./slow-calls.ts";
import { SyncedFile } from "./synced-file.ts";

/** So many files may wait for a disk that refuses to say that they are on it: as many as a full spool has. */
const mostEnded = 16;

/** Frames that belong together on the disk. */
export interface Chunk {
  readonly bytes: Buffer;
  /** Numbers of the first and the last record in it; `last` is less if there is none. */
  readonly first: number;
  readonly last: number;
  readonly span: Span | undefined;
}

/** The segment that is written to, and those that were until they are on the disk. */
export class SegmentWriter {
  readonly #disk: Disk;
  readonly #calls: SlowCalls;
  readonly #folder: string;
  readonly #identity: Omit<SegmentHeader, "first" | "created">;
  #open: { readonly segment: Segment; readonly file: SyncedFile } | undefined;
  #ended: readonly SyncedFile[] = [];

  constructor(disk: Disk, calls: SlowCalls, folder: string, identity: Omit<SegmentHeader, "first" | "created">) {
    this.#disk = disk;
    this.#calls = calls;
    this.#folder = folder;
    this.#identity = identity;
  }

  get segment(): Segment | undefined {
    return this.#open?.segment;
  }

  /** Something was written that may not be on the disk yet. */
  get dirty(): boolean {
    return this.#files.some(({ durable }) => !durable);
  }

  /** Begins a segment for records from `first` on. */
  begin(number: number, first: number, now: number): Segment {
    const header = { ...this.#identity, first, created: now };
    const { segment, fd } = createSegment(this.#disk, this.#folder, number, header);
    this.#open = { segment, file: new SyncedFile(fd, this.#folder) };
    return segment;
  }

  /** Writes behind what was written; where that failed half-way, over it. */
  write({ bytes, last, span }: Chunk, now: number): void {
    if (this.#open === undefined) throw new Error("no segment was begun");
    const { segment, file } = this.#open;
    file.written();
    writeAll(this.#disk, file.fd, bytes, segment.bytes);
    segment.bytes += bytes.length;
    segment.last = Math.max(last, segment.last ?? last);
    segment.writtenAt = now;
    if (span !== undefined) segment.span = union(segment.span, span);
  }

  /** Has what was written forced to the disk. Whether that went well shows when it is settled. */
  sync(): void {
    for (const file of this.#files) file.sync(this.#calls);
  }

  /** Lets go of what ended and is on the disk. Throws if the disk refused: that is asked for again by the next `sync`. */
  settle(): void {
    for (const file of this.#files) file.settle();
    const done = this.#ended.filter(({ durable }) => durable);
    this.#ended = this.#ended.filter((file) => !done.includes(file));
    for (const { fd } of done) this.#calls.close(fd);
  }

  /** Ends the segment; its file stays open until it is on the disk. */
  end(): void {
    if (this.#open === undefined) return;
    const { file } = this.#open;
    this.#open = undefined;
    file.syncLast(this.#calls);
    this.#ended = [...this.#ended, file];
    for (const { fd } of this.#ended.slice(0, -mostEnded)) this.#calls.close(fd);
    this.#ended = this.#ended.slice(-mostEnded);
  }

  /** Waits until all is on the disk. Throws what the disk said first; what follows was tried nevertheless. */
  syncNow(waiting: SlowCalls): void {
    const refused: unknown[] = [];
    for (const file of this.#files)
      try {
        file.syncNow(waiting);
      } catch (thrown) {
        refused.push(thrown);
      }
    if (refused.length > 0) throw refused[0];
  }

  /** Ends the segment and waits until all is on the disk. */
  close(waiting: SlowCalls): void {
    if (this.#open !== undefined) this.#ended = [...this.#ended, this.#open.file];
    this.#open = undefined;
    this.syncNow(waiting);
    this.settle();
  }

  get #files(): readonly SyncedFile[] {
    return this.#open === undefined ? this.#ended : [...this.#ended, this.#open.file];
  }
}

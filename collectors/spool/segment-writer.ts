import type { Disk } from "./disk.ts";
import { writeAll } from "./disk.ts";
import { createSegment, type Segment, type Span, union } from "./segment.ts";
import type { SegmentHeader } from "./segment-header.ts";

/** Frames that belong together on the disk. */
export interface Chunk {
  readonly bytes: Buffer;
  /** Numbers of the first and the last record in it; `last` is less if there is none. */
  readonly first: number;
  readonly last: number;
  readonly span: Span | undefined;
}

/** The segment that is written to. */
export class SegmentWriter {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #identity: Omit<SegmentHeader, "first" | "created">;
  #open: { readonly segment: Segment; readonly fd: number } | undefined;
  #dirty = false;

  constructor(disk: Disk, folder: string, identity: Omit<SegmentHeader, "first" | "created">) {
    this.#disk = disk;
    this.#folder = folder;
    this.#identity = identity;
  }

  get segment(): Segment | undefined {
    return this.#open?.segment;
  }

  /** Something was written that may not be on the disk yet. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** Begins a segment for records from `first` on. */
  begin(number: number, first: number, now: number): Segment {
    this.#open = createSegment(this.#disk, this.#folder, number, { ...this.#identity, first, created: now });
    return this.#open.segment;
  }

  /** Writes behind what was written; where that failed half-way, over it. */
  write({ bytes, last, span }: Chunk, now: number): void {
    if (this.#open === undefined) throw new Error("no segment was begun");
    const { segment, fd } = this.#open;
    this.#dirty = true;
    writeAll(this.#disk, fd, bytes, segment.bytes);
    segment.bytes += bytes.length;
    segment.last = Math.max(last, segment.last ?? last);
    segment.writtenAt = now;
    if (span !== undefined) segment.span = union(segment.span, span);
  }

  sync(): void {
    if (this.#open === undefined || !this.#dirty) return;
    this.#disk.sync(this.#open.fd);
    this.#dirty = false;
  }

  /** Ends the segment. */
  end(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.sync();
    this.#open = undefined;
    this.#disk.close(open.fd);
  }
}

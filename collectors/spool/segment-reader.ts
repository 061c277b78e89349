import type { Disk } from "./disk.ts";
import { type Frame, frameAt, maxFrameBytes, skipFrame } from "./frame.ts";
import type { Segment } from "./segment.ts";

// A frame of any size fits, and a batch for the main thread is one read.
const chunkBytes = 16 * maxFrameBytes;

/**
 * Reads a segment frame by frame, also one that is still written to. A frame whose checksum is wrong is passed over; where
 * no length can be believed, or the bytes end within a frame, the segment ends.
 */
export class SegmentReader {
  readonly bytes = Buffer.alloc(chunkBytes);
  readonly #disk: Disk;
  readonly #segment: Segment;
  readonly #fd: number;
  /** Where in the file the buffer begins, how much of it is filled, and where in it the next frame begins. */
  #base: number;
  #filled = 0;
  #at = 0;

  constructor(disk: Disk, segment: Segment) {
    this.#disk = disk;
    this.#segment = segment;
    this.#base = segment.headerBytes;
    this.#fd = disk.open(segment.path);
  }

  get segment(): Segment {
    return this.#segment;
  }

  /** The next frame, whose payload stands in `bytes` until the next call; undefined if there is none now. */
  next(): Frame | undefined {
    for (;;) {
      const found = frameAt(this.bytes, this.#at, this.#filled);
      if (typeof found === "object") {
        this.#at = found.end;
        return found;
      }
      if (found === "nonsense") return undefined;
      if (found === "damaged") this.#at = skipFrame(this.bytes, this.#at);
      else if (!this.#fill()) return undefined;
    }
  }

  close(): void {
    this.#disk.close(this.#fd);
  }

  /** Moves what is left to the buffer's start and reads on; false if the file has no more. */
  #fill(): boolean {
    const left = this.#filled - this.#at;
    const position = this.#base + this.#filled;
    const wanted = Math.min(this.#segment.bytes - position, chunkBytes - left);
    if (wanted <= 0) return false;
    this.bytes.copyWithin(0, this.#at, this.#filled);
    this.#base += this.#at;
    this.#at = 0;
    this.#filled = left;
    const count = this.#disk.read(this.#fd, this.bytes.subarray(left), wanted, position);
    this.#filled += count;
    return count > 0;
  }
}

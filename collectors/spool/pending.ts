import type { Position } from "./position.ts";
import type { Chunk } from "./segment-writer.ts";
import type { Dropped } from "./spool-state.ts";

/** Frames that could not be written yet, oldest first, up to a bound. */
export class Pending {
  readonly #epoch: number;
  readonly #limit: number;
  #chunks: Chunk[] = [];
  #bytes = 0;

  constructor(epoch: number, limit: number) {
    this.#epoch = epoch;
    this.#limit = limit;
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  get empty(): boolean {
    return this.#chunks.length === 0;
  }

  get full(): boolean {
    return this.#bytes >= this.#limit;
  }

  /** Keeps a copy. */
  add(chunk: Chunk): void {
    this.#chunks.push({ ...chunk, bytes: Buffer.from(chunk.bytes) });
    this.#bytes += chunk.bytes.length;
  }

  shift(): Chunk | undefined {
    const chunk = this.#chunks.shift();
    this.#bytes -= chunk?.bytes.length ?? 0;
    return chunk;
  }

  /** Gives up what others have durably; the numbers that will therefore not be in the segments. */
  release(acked: Position): readonly Dropped[] {
    const released: Dropped[] = [];
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (acked.epoch < this.#epoch || (acked.epoch === this.#epoch && first.last > acked.seq)) break;
      this.shift();
      released.push({ epoch: this.#epoch, first: first.first, last: first.last });
    }
    return released;
  }
}

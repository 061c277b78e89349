import type { Chunk } from "./segment-writer.ts";

/** What stands in the frames that are not stored yet. */
export class Staged {
  #first = -1;
  #last: number;
  #start = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;

  /** `first`: what to say if there is no record. */
  constructor(first = 0) {
    this.#last = first - 1;
  }

  /** A record, by its number and what it covers, microseconds. */
  take(seq: number, start: number, end: number): void {
    if (this.#first < 0) this.#first = seq;
    this.#last = seq;
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, end);
  }

  chunk(bytes: Buffer): Chunk {
    const last = this.#last;
    if (this.#first < 0) return { bytes, first: last + 1, last, span: undefined };
    return { bytes, first: this.#first, last, span: { start: this.#start, end: this.#end } };
  }

  clear(): void {
    this.#first = -1;
    this.#start = Number.POSITIVE_INFINITY;
    this.#end = Number.NEGATIVE_INFINITY;
  }
}

import { aligned } from "./message.ts";

/** Memory that grows as messages are written into it, one after the other. What was not written is zero. */
export class MessageRoom {
  #bytes: Buffer;
  #length = 0;

  constructor(bytes = 256) {
    this.#bytes = Buffer.alloc(bytes);
  }

  /** Another one after each `reserve`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for so many bytes and their padding; where they begin. */
  reserve(length: number): number {
    const at = this.#length;
    this.#length += aligned(length);
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  /** Gives the memory back, rather than when it is collected. Nothing more is written or read. */
  free(): void {
    (this.#bytes.buffer as ArrayBuffer).transfer(0);
  }

  /** What was there is free at once: the rooms of a large batch before it was large enough are as much again. */
  #grow(): void {
    const length = Math.max(this.#length, 2 * this.#bytes.length);
    this.#bytes = Buffer.from((this.#bytes.buffer as ArrayBuffer).transfer(length));
  }
}

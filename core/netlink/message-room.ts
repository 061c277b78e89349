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

  #grow(): void {
    const larger = Buffer.alloc(Math.max(this.#length, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Bytes of an entry's hash that stand for it. */
const width = 16;

/** Hashes of entries one after another, as bytes: what is put in between moves the rest by one copy of memory. */
export class DigestList {
  #bytes = Buffer.alloc(64 * width);
  #length = 0;

  /** As Array.splice; hashes in hexadecimal, of which the first 32 digits count. */
  splice(at: number, count: number, hashes: readonly string[]): void {
    const length = this.#length + hashes.length - count;
    this.#reserve(length);
    this.#bytes.copyWithin((at + hashes.length) * width, (at + count) * width, this.#length * width);
    for (const [index, hash] of hashes.entries()) this.#bytes.write(hash, (at + index) * width, width, "hex");
    this.#length = length;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length * width);
  }

  #reserve(length: number): void {
    if (length * width <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(length * width, 2 * this.#bytes.length));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}

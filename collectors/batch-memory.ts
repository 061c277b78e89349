// Memory of its own for each batch that crosses threads would have both of them collect garbage all the time, of which there is none:
// the collector of V8 goes by how much memory is handed over. So the main thread gives back what it was handed.

/** A batch of 4,000 records of some 150 bytes, or 250 of IPv6 that is translated. */
const usualBytes = 1024 * 1024;
/** As many as are on their way at a high rate. */
const mostFree = 8;

/** Memory for batches, used again once it is given back. */
export class BatchMemory {
  readonly #free: ArrayBuffer[] = [];

  /** At least so many bytes; what stands in them is old. */
  take(least: number): Uint8Array<ArrayBuffer> {
    if (least > usualBytes) return new Uint8Array(least);
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(usualBytes));
  }

  /** Nobody reads it any more. */
  giveBack(memory: ArrayBuffer): void {
    if (memory.byteLength === usualBytes && this.#free.length < mostFree) this.#free.push(memory);
  }
}

const wrap = 0x1_0000_0000;

/** Counts what is missing between sequence numbers of 32 bits that begin anywhere and wrap. */
export class SequenceGaps {
  #expected: number | undefined;

  /** How many numbers are missing before this one. */
  after(sequence: number): number {
    const missing = this.#expected === undefined ? 0 : (sequence - this.#expected + wrap) % wrap;
    this.#expected = (sequence + 1) % wrap;
    return missing;
  }
}

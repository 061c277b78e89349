/**
 * Gives equal values as one object, so that what thousands have in common takes memory once. It remembers the last of them, so its own
 * memory has a bound; whoever comes later has an object of his own, which means the same.
 */
export class Alike<T> {
  readonly #most: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  /** Of the last `most` different values each is known. */
  constructor(most = 16_384) {
    this.#most = most;
  }

  /** `text` tells everything about the value. */
  of(text: string, value: T): T {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const known = this.#old.get(text) ?? value;
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, known);
    return known;
  }
}

/**
 * Gives equal values as one object, so that what thousands have in common takes memory once. It remembers the last few thousand
 * different values: whoever comes later than these has an object of his own, which means the same.
 */
export class Alike<T> {
  readonly #most: number;
  readonly #known = new Map<string, T>();

  constructor(most = 8192) {
    this.#most = most;
  }

  /** `text` tells everything about the value. */
  of(text: string, value: T): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#most) this.#known.clear();
    this.#known.set(text, value);
    return value;
  }
}

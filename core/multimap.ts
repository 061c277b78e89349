/**
 * Several values by key, each once. A key without values is not there; one with a single value, as most have, takes no Set of
 * its own.
 */
export class Multimap<K, V extends string | number | object> {
  readonly #one = new Map<K, V>();
  readonly #more = new Map<K, Set<V>>();

  add(key: K, value: V): void {
    const set = this.#more.size === 0 ? undefined : this.#more.get(key);
    if (set !== undefined) {
      set.add(value);
      return;
    }
    const one = this.#one.get(key);
    if (one === undefined) this.#one.set(key, value);
    else if (one !== value) {
      this.#one.delete(key);
      this.#more.set(key, new Set([one, value]));
    }
  }

  delete(key: K, value: V): void {
    const set = this.#more.get(key);
    if (set === undefined) {
      if (this.#one.get(key) === value) this.#one.delete(key);
      return;
    }
    set.delete(value);
    if (set.size > 1) return;
    this.#more.delete(key);
    for (const last of set) this.#one.set(key, last);
  }

  get(key: K): Iterable<V> {
    const set = this.#more.get(key);
    if (set !== undefined) return set;
    return this.#one.has(key) ? [this.#one.get(key) as V] : [];
  }

  /** Whether a key has any value. */
  has(key: K): boolean {
    return this.#one.has(key) || this.#more.has(key);
  }

  /** How many values a key has. */
  count(key: K): number {
    return this.#more.get(key)?.size ?? Number(this.#one.has(key));
  }

  /** How many keys there are. */
  get size(): number {
    return this.#one.size + this.#more.size;
  }

  *keys(): Iterable<K> {
    yield* this.#one.keys();
    yield* this.#more.keys();
  }

  /** The values of all keys. */
  *values(): Iterable<V> {
    yield* this.#one.values();
    for (const set of this.#more.values()) yield* set;
  }
}

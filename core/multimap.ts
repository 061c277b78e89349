/** Sets by key. A key without members is not there. */
export class Multimap<K, V> {
  readonly #sets = new Map<K, Set<V>>();

  add(key: K, value: V): void {
    const set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, new Set([value]));
    else set.add(value);
  }

  delete(key: K, value: V): void {
    const set = this.#sets.get(key);
    if (set?.delete(value) && set.size === 0) this.#sets.delete(key);
  }

  get(key: K): ReadonlySet<V> | undefined {
    return this.#sets.get(key);
  }

  /** How many values a key has. */
  count(key: K): number {
    return this.#sets.get(key)?.size ?? 0;
  }

  keys(): MapIterator<K> {
    return this.#sets.keys();
  }

  values(): MapIterator<ReadonlySet<V>> {
    return this.#sets.values();
  }
}

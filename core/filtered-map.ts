/** Those entries of a map whose keys pass, which is asked when somebody asks for them. */
export class FilteredMap<K, V> implements ReadonlyMap<K, V> {
  readonly #from: ReadonlyMap<K, V>;
  readonly #passes: (key: K) => boolean;
  #size: number | undefined;

  constructor(from: ReadonlyMap<K, V>, passes: (key: K) => boolean) {
    this.#from = from;
    this.#passes = passes;
  }

  get size(): number {
    this.#size ??= [...this.keys()].length;
    return this.#size;
  }

  get(key: K): V | undefined {
    const value = this.#from.get(key);
    return value !== undefined && this.#passes(key) ? value : undefined;
  }

  has(key: K): boolean {
    return this.#from.has(key) && this.#passes(key);
  }

  *entries(): MapIterator<[K, V]> {
    for (const entry of this.#from) if (this.#passes(entry[0])) yield entry;
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }
}

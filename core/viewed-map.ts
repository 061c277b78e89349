/** A map whose values are made from those of another when they are asked for. */
export class ViewedMap<K, From, To> implements ReadonlyMap<K, To> {
  readonly #from: ReadonlyMap<K, From>;
  readonly #view: (value: From) => To;

  constructor(from: ReadonlyMap<K, From>, view: (value: From) => To) {
    this.#from = from;
    this.#view = view;
  }

  get size(): number {
    return this.#from.size;
  }

  get(key: K): To | undefined {
    const value = this.#from.get(key);
    return value === undefined ? undefined : this.#view(value);
  }

  has(key: K): boolean {
    return this.#from.has(key);
  }

  *entries(): MapIterator<[K, To]> {
    for (const [key, value] of this.#from) yield [key, this.#view(value)];
  }

  keys(): MapIterator<K> {
    return this.#from.keys();
  }

  *values(): MapIterator<To> {
    for (const value of this.#from.values()) yield this.#view(value);
  }

  [Symbol.iterator](): MapIterator<[K, To]> {
    return this.entries();
  }

  forEach(visit: (value: To, key: K, map: ReadonlyMap<K, To>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }
}

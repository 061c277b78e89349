/** Most entries of a leaf; a leaf that grows beyond is cut in two or more. */
const capacity = 128;

/** Entries in order of their keys, side by side: two arrays take a third of what an array of pairs does. */
interface Leaf<K, V> {
  readonly keys: readonly K[];
  readonly values: readonly V[];
}

/** What becomes of a key: its new value, or undefined where it goes. */
export type Changes<K, V> = ReadonlyMap<K, V | undefined>;

/** Changes in order of their keys, each key once, side by side: of those of a cold start pairs would be half a hundred MB. */
export interface SortedChanges<K, V> {
  readonly keys: readonly K[];
  readonly values: readonly (V | undefined)[];
}

/**
 * A map in order of its keys that never changes: `with` gives another that shares all it can, so a change among 100,000
 * entries costs microseconds and whoever holds the older map still sees what it was. Equal entries make equal orders, whatever the
 * way that led to them. Values are not undefined.
 */
export class SortedMap<K extends string, V> implements ReadonlyMap<K, V> {
  readonly size: number;
  readonly #leaves: readonly Leaf<K, V>[];

  private constructor(leaves: readonly Leaf<K, V>[], size: number) {
    this.#leaves = leaves;
    this.size = size;
  }

  static empty<K extends string, V>(): SortedMap<K, V> {
    return new SortedMap<K, V>([], 0);
  }

  /** With these changes; this very map if they change nothing. */
  with(changes: Changes<K, V>): SortedMap<K, V> {
    const keys = [...changes.keys()].sort();
    return this.withSorted({ keys, values: keys.map((key) => changes.get(key)) });
  }

  /** As `with`. */
  withSorted(changes: SortedChanges<K, V>): SortedMap<K, V> {
    const { keys, values } = this.#real(changes);
    if (keys.length === 0) return this;
    const leaves: Leaf<K, V>[] = [];
    let [size, next, copied] = [this.size, 0, 0];
    while (next < keys.length) {
      const place = Math.max(0, this.#leafOf(keys[next] as K));
      for (; copied < place; copied++) leaves.push(this.#leaves[copied] as Leaf<K, V>);
      const bound = this.#leaves[place + 1]?.keys[0];
      let end = next + 1;
      while (end < keys.length && (bound === undefined || (keys[end] as K) < bound)) end++;
      const merged = mergedLeaf(this.#leaves[place], { keys, values }, next, end);
      size += merged.keys.length - (this.#leaves[place]?.keys.length ?? 0);
      addLeaves(leaves, merged);
      [copied, next] = [place + 1, end];
    }
    for (; copied < this.#leaves.length; copied++) leaves.push(this.#leaves[copied] as Leaf<K, V>);
    return new SortedMap(leaves, size);
  }

  /** Those that change something: as a rule all, and then nothing is copied. */
  #real({ keys, values }: SortedChanges<K, V>): SortedChanges<K, V> {
    const isReal = (key: K, place: number) => this.get(key) !== values[place];
    if (keys.every(isReal)) return { keys, values };
    return { keys: keys.filter(isReal), values: values.filter((_, place) => isReal(keys[place] as K, place)) };
  }

  get(key: K): V | undefined {
    const leaf = this.#leaves[this.#leafOf(key)];
    if (leaf === undefined) return undefined;
    const place = placeOf(leaf.keys, key);
    return leaf.keys[place] === key ? leaf.values[place] : undefined;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): MapIterator<[K, V]> {
    for (const { keys, values } of this.#leaves)
      for (let place = 0; place < keys.length; place++) yield [keys[place] as K, values[place] as V];
  }

  *keys(): MapIterator<K> {
    for (const { keys } of this.#leaves) yield* keys;
  }

  *values(): MapIterator<V> {
    for (const { values } of this.#leaves) yield* values;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  /** What turned `older` into this map, key by key. Of two that share nearly everything it costs what they do not share. */
  *differences(older: SortedMap<K, V>): Generator<Difference<K, V>> {
    const [left, right] = unshared(older.#leaves, this.#leaves).map((leaves) => new Cursor(leaves)) as [
      Cursor<K, V>,
      Cursor<K, V>,
    ];
    while (!left.isDone || !right.isDone) {
      const keys = left.wholeKeys;
      if (keys !== undefined && keys === right.wholeKeys) {
        const [were, are] = [left.takeValues(), right.takeValues()];
        for (let place = 0; place < keys.length; place++)
          if (were[place] !== are[place]) yield { key: keys[place] as K, before: were[place], after: are[place] };
        continue;
      }
      const isGone = right.isDone || (!left.isDone && left.key < right.key);
      const isNew = left.isDone || (!right.isDone && right.key < left.key);
      if (isGone) yield { key: left.key, before: left.value, after: undefined };
      else if (isNew) yield { key: right.key, before: undefined, after: right.value };
      else if (left.value !== right.value) yield { key: right.key, before: left.value, after: right.value };
      if (!isNew) left.next();
      if (!isGone) right.next();
    }
  }

  /** Index of the last leaf that begins at or before the key; -1 if the key is before all. */
  #leafOf(key: K): number {
    let [low, high] = [0, this.#leaves.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#leaves[middle] as Leaf<K, V>).keys[0] as K) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** A key whose value is another than before; undefined: it was not there, or is there no more. */
export interface Difference<K, V> {
  readonly key: K;
  readonly before: V | undefined;
  readonly after: V | undefined;
}

/** An entry of some leaves, and then the next. */
class Cursor<K, V> {
  readonly #leaves: readonly Leaf<K, V>[];
  #leaf = 0;
  #place = 0;

  /** Leaves have entries. */
  constructor(leaves: readonly Leaf<K, V>[]) {
    this.#leaves = leaves;
  }

  get isDone(): boolean {
    return this.#leaf === this.#leaves.length;
  }

  get key(): K {
    return (this.#leaves[this.#leaf] as Leaf<K, V>).keys[this.#place] as K;
  }

  get value(): V {
    return (this.#leaves[this.#leaf] as Leaf<K, V>).values[this.#place] as V;
  }

  /** Of a leaf at its beginning. */
  get wholeKeys(): readonly K[] | undefined {
    return this.#place === 0 ? this.#leaves[this.#leaf]?.keys : undefined;
  }

  /** Those of the leaf, which is passed over. */
  takeValues(): readonly V[] {
    const { values } = this.#leaves[this.#leaf] as Leaf<K, V>;
    this.#leaf += 1;
    return values;
  }

  next(): void {
    this.#place += 1;
    if (this.#place < (this.#leaves[this.#leaf] as Leaf<K, V>).keys.length) return;
    this.#leaf += 1;
    this.#place = 0;
  }
}

type Leaves<K, V> = readonly Leaf<K, V>[];

/** Of each the leaves that the other has not. Most changes are in one place, so what both begin and end with is left out first. */
function unshared<K, V>(older: Leaves<K, V>, newer: Leaves<K, V>): readonly [Leaves<K, V>, Leaves<K, V>] {
  const least = Math.min(older.length, newer.length);
  let [start, end] = [0, 0];
  while (start < least && older[start] === newer[start]) start++;
  while (end < least - start && older[older.length - 1 - end] === newer[newer.length - 1 - end]) end++;
  const [before, after] = [older.slice(start, older.length - end), newer.slice(start, newer.length - end)];
  const [shared, kept] = [new Set(before), new Set(after)];
  return [before.filter((leaf) => !kept.has(leaf)), after.filter((leaf) => !shared.has(leaf))];
}

/** Index of the first key that is not before the one asked for. */
function placeOf<K extends string>(keys: readonly K[], key: K): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as K) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A leaf, or none, with changes[from] to changes[to - 1]; of the very same keys if these only have other values. */
function mergedLeaf<K extends string, V>(
  leaf: Leaf<K, V> | undefined,
  changes: SortedChanges<K, V>,
  from: number,
  to: number,
): Leaf<K, V> {
  const [keys, values]: [K[], V[]] = [[], []];
  const old = leaf ?? { keys: [], values: [] };
  let [place, others] = [0, 0];
  const keepUntil = (end: number) => {
    for (; place < end; place++) {
      keys.push(old.keys[place] as K);
      values.push(old.values[place] as V);
    }
  };
  for (let index = from; index < to; index++) {
    const [key, value] = [changes.keys[index] as K, changes.values[index]];
    keepUntil(placeOf(old.keys, key));
    const isKnown = old.keys[place] === key;
    if (isKnown) place++;
    if (isKnown !== (value !== undefined)) others++;
    if (value === undefined) continue;
    keys.push(key);
    values.push(value);
  }
  keepUntil(old.keys.length);
  // Lists that grew have room for more.
  return { keys: others === 0 ? old.keys : keys.slice(), values: values.slice() };
}

/** Adds a leaf in parts that fit; one that has become small joins the one before it. */
function addLeaves<K, V>(leaves: Leaf<K, V>[], added: Leaf<K, V>): void {
  const last = leaves.at(-1);
  const joined = last !== undefined && last.keys.length + added.keys.length <= capacity / 2;
  if (joined) leaves.pop();
  const { keys, values } = joined
    ? { keys: [...last.keys, ...added.keys], values: [...last.values, ...added.values] }
    : added;
  const parts = Math.ceil(keys.length / capacity);
  if (parts === 1) leaves.push({ keys, values });
  if (parts < 2) return;
  for (let part = 0; part < parts; part++) {
    const [from, to] = [part, part + 1].map((edge) => Math.ceil((edge * keys.length) / parts));
    leaves.push({ keys: keys.slice(from, to), values: values.slice(from, to) });
  }
}

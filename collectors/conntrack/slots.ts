// Connections as rows of two arrays of numbers, found by their id. An object each, with a dozen more within it, costs a garbage
// collector that walks over a quarter of a million of them more than the kernel costs to tell of them.

/** Columns of 32 bits. */
export const column = {
  id: 0,
  /** Another slot whose id falls into the same bucket, or the next that is free. */
  next: 1,
  marks: 2,
  /** The last dump that had it, or during which it was born. */
  seenInDump: 3,
  /** Four words, as the kernel writes them. */
  label: 4,
  originalPorts: 8,
  replyPorts: 9,
  /** Four words, or sixteen; FastMessage has their order. */
  addresses: 10,
  /** The connection's mark. */
  mark: 26,
} as const;
export const columns = 27;

/** Columns of 64 bits. Times are microseconds; NaN: not known. */
export const number = {
  /** When it was first heard of. */
  heardAt: 0,
  /** The stamp of its NEW. */
  stampedAt: 1,
  startedAt: 2,
  /** When it began, as the kernel's dumps and DESTROY say. */
  kernelStart: 3,
  /** Packets and bytes, there and back. */
  totals: 4,
  /** The same as of the last record. */
  reported: 8,
  /** End of the last record. */
  toldAt: 12,
  closedAt: 13,
} as const;
export const numbers = 14;

/** What stands in `marks`. */
export const mark = {
  protocol: 0xff,
  six: 1 << 8,
  newSeen: 1 << 9,
  replied: 1 << 10,
  changed: 1 << 11,
  told: 1 << 12,
  /** Had replied when it was told last. */
  toldReplied: 1 << 13,
  open: 1 << 14,
  /** State of TCP in its NEW, 0 if there was none. */
  tcpState: 0xf << 16,
  tcpStateShift: 16,
  /** Why it ended, as an index of `endReasons`. */
  endReason: 0xf << 20,
  endReasonShift: 20,
} as const;

const none = -1;
const least = 1024;

export class Slots {
  /** By slot, the name that its client had asked for; of those that were told. */
  readonly domains = new Map<number, string>();
  #columns = new Int32Array(least * columns);
  #numbers = new Float64Array(least * numbers);
  #buckets = new Int32Array(least).fill(none);
  #capacity = least;
  /** Slots from here on were never used. */
  #fresh = 0;
  #free = none;
  #size = 0;

  /** The arrays; valid until the next `add`. Slot s begins at s * columns, and s * numbers. */
  get columns(): Int32Array {
    return this.#columns;
  }

  get numbers(): Float64Array {
    return this.#numbers;
  }

  /** How many are found by their id. */
  get size(): number {
    return this.#size;
  }

  /** All slots are below this. */
  get end(): number {
    return this.#fresh;
  }

  /** The slot with an id, or -1. */
  find(id: number): number {
    const rows = this.#columns;
    let slot = this.#buckets[id & (this.#capacity - 1)] as number;
    while (slot !== none && (rows[slot * columns] as number) !== (id | 0))
      slot = rows[slot * columns + column.next] as number;
    return slot;
  }

  /** A slot for an id that has none. What stands in it is old. */
  add(id: number): number {
    const slot = this.#take();
    const bucket = id & (this.#capacity - 1);
    const row = slot * columns;
    this.#columns[row] = id;
    this.#columns[row + column.next] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = slot;
    this.#size++;
    return slot;
  }

  /** From now on it is not found; it stays as it is until it is freed. */
  unlink(slot: number): void {
    const rows = this.#columns;
    const after = rows[slot * columns + column.next] as number;
    const bucket = (rows[slot * columns] as number) & (this.#capacity - 1);
    let at = this.#buckets[bucket] as number;
    if (at === slot) this.#buckets[bucket] = after;
    else {
      while (rows[at * columns + column.next] !== slot) at = rows[at * columns + column.next] as number;
      rows[at * columns + column.next] = after;
    }
    this.#size--;
  }

  /** Gives up a slot that was unlinked. */
  free(slot: number): void {
    if (this.domains.size > 0) this.domains.delete(slot);
    this.#columns[slot * columns + column.marks] = 0;
    this.#columns[slot * columns + column.next] = this.#free;
    this.#free = slot;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== none) {
      this.#free = this.#columns[slot * columns + column.next] as number;
      return slot;
    }
    if (this.#fresh === this.#capacity) this.#grow();
    return this.#fresh++;
  }

  /** Twice as many. */
  #grow(): void {
    const rows = new Int32Array(2 * this.#columns.length);
    rows.set(this.#columns);
    const cells = new Float64Array(2 * this.#numbers.length);
    cells.set(this.#numbers);
    this.#columns = rows;
    this.#numbers = cells;
    this.#split();
  }

  /** Each bucket's slots go to it or to a new one, as their ids say: those that were unlinked are in none. */
  #split(): void {
    const old = this.#buckets;
    this.#capacity *= 2;
    this.#buckets = new Int32Array(this.#capacity).fill(none);
    const rows = this.#columns;
    for (const first of old)
      for (let slot = first, next = none; slot !== none; slot = next) {
        next = rows[slot * columns + column.next] as number;
        const bucket = (rows[slot * columns] as number) & (this.#capacity - 1);
        rows[slot * columns + column.next] = this.#buckets[bucket] as number;
        this.#buckets[bucket] = slot;
      }
  }
}

import type { Bucket } from "./buckets.ts";

/** Sums over buckets. */
export interface Sum {
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Sums up buckets, each connection once where they tell which it is. */
export class Tally {
  #bytes = 0;
  #packets = 0;
  #estimated = 0;
  readonly #known = new Set<Bucket["connection"]>();

  add({ bytes, packets, connection, connections }: Omit<Bucket, "key">): void {
    this.#bytes += bytes;
    this.#packets += packets;
    if (connection === null) this.#estimated += connections;
    else this.#known.add(connection);
  }

  get sum(): Sum {
    return { connections: this.#estimated + this.#known.size, packets: this.#packets, bytes: this.#bytes };
  }
}

/** The first so many of all that are added, by an order; holds twice as many at most. */
export class Best<T> {
  readonly #limit: number;
  readonly #compare: (a: T, b: T) => number;
  #held: T[] = [];

  constructor(limit: number, compare: (a: T, b: T) => number) {
    this.#limit = Math.max(0, Math.trunc(limit));
    this.#compare = compare;
  }

  add(item: T): void {
    this.#held.push(item);
    if (this.#held.length >= 2 * this.#limit + 1_000) this.#held = this.sorted();
  }

  sorted(): T[] {
    return this.#held.toSorted(this.#compare).slice(0, this.#limit);
  }
}

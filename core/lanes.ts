/** What was taken from lanes. Exactly one of `done` and `again` has effect, the one that is called first. */
export interface Taken<T> {
  readonly items: readonly T[];
  /** Frees the lanes for their next items. */
  done(): void;
  /** Puts the items back to the front of their lanes. */
  again(): void;
}

/**
 * A queue with a lane for each key: items of one key keep their order, and while some of them are taken, those behind
 * them wait. Lanes take turns.
 */
export class Lanes<T> {
  /** Items not taken, by key; a lane that is taken may be absent. */
  readonly #waiting = new Map<string, T[]>();
  /** Lanes that have items and are not taken, the one that has waited longest first. */
  readonly #ready = new Set<string>();
  readonly #taken = new Set<string>();
  #size = 0;

  /** Items waiting and taken. */
  get size(): number {
    return this.#size;
  }

  add(key: string, item: T): void {
    const lane = this.#waiting.get(key);
    if (lane === undefined) this.#waiting.set(key, [item]);
    else lane.push(item);
    if (!this.#taken.has(key)) this.#ready.add(key);
    this.#size += 1;
  }

  /** Up to `limit` items, of as many lanes as that takes; none if nothing is ready. */
  take(limit: number): Taken<T> {
    const parts = new Map<string, readonly T[]>();
    let room = limit;
    for (const key of this.#ready) {
      if (room === 0) break;
      const part = this.#takeLane(key, room);
      parts.set(key, part);
      room -= part.length;
    }
    let settled = false;
    const once = (settle: () => void) => () => {
      if (!settled) settle();
      settled = true;
    };
    return {
      items: [...parts.values()].flat(),
      done: once(() => this.#done(parts)),
      again: once(() => this.#again(parts)),
    };
  }

  #takeLane(key: string, limit: number): readonly T[] {
    const lane = this.#waiting.get(key) as T[];
    const part = lane.splice(0, limit);
    if (lane.length === 0) this.#waiting.delete(key);
    this.#ready.delete(key);
    this.#taken.add(key);
    return part;
  }

  #done(parts: ReadonlyMap<string, readonly T[]>): void {
    for (const [key, part] of parts) {
      this.#size -= part.length;
      this.#taken.delete(key);
      if (this.#waiting.has(key)) this.#ready.add(key);
    }
  }

  #again(parts: ReadonlyMap<string, readonly T[]>): void {
    for (const [key, part] of parts) {
      this.#waiting.set(key, [...part, ...(this.#waiting.get(key) ?? [])]);
      this.#taken.delete(key);
      this.#ready.add(key);
    }
  }
}

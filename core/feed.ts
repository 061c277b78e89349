import type { Clock } from "./clock.ts";
import { Condition } from "./condition.ts";
import type { Delivery, Source } from "./pipeline.ts";

export interface FeedOptions {
  readonly name: string;
  readonly clock: Clock;
  /** Items that may wait to be stored. */
  readonly limit?: number;
}

// A sink that refuses must not make the feed spin.
const redeliverMs = 1000;

/**
 * A source for what arises in this process: whoever has something pushes it and never waits. Beyond `limit` items that nobody
 * has stored yet the oldest go, and are counted: a store that is away must not stop the work that feeds it.
 */
export class Feed<T> implements Source<T> {
  readonly name: string;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #changed = new Condition();
  #waiting: T[] = [];
  #handedOut = 0;
  #closed = false;
  #dropped = 0;

  constructor({ name, clock, limit = 100_000 }: FeedOptions) {
    this.name = name;
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Items that found no place. */
  get dropped(): number {
    return this.#dropped;
  }

  push(items: readonly T[]): void {
    if (items.length === 0) return;
    for (const item of items) this.#waiting.push(item);
    this.#bound();
    this.#changed.changed();
  }

  /** Nothing more comes; readers end once everything is acked. */
  close(): void {
    this.#closed = true;
    this.#changed.changed();
  }

  /** One delivery at a time, of everything that waits: items may supersede each other, so none may overtake another. */
  async *open(signal: AbortSignal): AsyncGenerator<Delivery<T>> {
    while (!signal.aborted) {
      if (this.#handedOut === 0 && this.#waiting.length > 0) yield this.#deliver();
      else if (this.#closed && this.#handedOut === 0) return;
      else await this.#changed.wait(signal);
    }
  }

  #deliver(): Delivery<T> {
    const items = this.#waiting;
    this.#waiting = [];
    this.#handedOut = items.length;
    return {
      items,
      ack: () => Promise.resolve(this.#settle([])),
      nack: async () => {
        await this.#clock.sleep(redeliverMs);
        this.#settle(items);
      },
    };
  }

  #settle(left: readonly T[]): void {
    this.#handedOut = 0;
    if (left.length > 0) this.#waiting = [...left, ...this.#waiting];
    this.#bound();
    this.#changed.changed();
  }

  #bound(): void {
    const excess = Math.min(this.#waiting.length, this.#waiting.length + this.#handedOut - this.#limit);
    if (excess <= 0) return;
    this.#waiting = this.#waiting.slice(excess);
    this.#dropped += excess;
  }
}

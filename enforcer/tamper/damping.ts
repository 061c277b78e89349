import type { Clock } from "../../core/clock.ts";

const windowMs = 60_000;
const tickMs = 1_000;

interface Window<T> {
  readonly since: number;
  last: T;
  count: number;
}

/**
 * Tells the first of like things at once, and how many came after it once a minute: who does the same over and over must not
 * be able to bury what others do.
 */
export class Damping<T> {
  readonly #clock: Clock;
  readonly #tell: (item: T, repeats: number) => void;
  readonly #windows = new Map<string, Window<T>>();

  /** `repeats` is 0 of the first, else how many like `item` there were in the minute, itself included. */
  constructor(clock: Clock, tell: (item: T, repeats: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(key: string, item: T): void {
    this.#flush(false);
    const window = this.#windows.get(key);
    if (window !== undefined) {
      window.last = item;
      window.count++;
      return;
    }
    this.#windows.set(key, { since: this.#clock.monotonic(), last: item, count: 0 });
    this.#tell(item, 0);
  }

  /** Until the signal aborts; what was counted by then is told. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(tickMs, signal);
      this.#flush(signal.aborted);
    }
  }

  #flush(all: boolean): void {
    const now = this.#clock.monotonic();
    for (const [key, { since, last, count }] of this.#windows) {
      if (!all && now < since + windowMs) continue;
      this.#windows.delete(key);
      if (count === 0) continue;
      // It goes on: the next minute is counted from its beginning.
      if (!all) this.#windows.set(key, { since: now, last, count: 0 });
      this.#tell(last, count);
    }
  }
}

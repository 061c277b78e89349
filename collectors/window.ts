const microseconds = 1000;

/** A flush that is due. Times in microseconds. */
export interface Flush {
  readonly start: number;
  readonly end: number;
  /** The window is over: open connections and denials are told too, not only closed connections. */
  readonly whole: boolean;
}

/**
 * Which window it is. Windows are aligned to the Unix epoch, so that those of all nodes coincide; within a long window
 * closed connections are told every `flushMs`. Times given are milliseconds.
 */
export class Windows {
  readonly #windowMs: number;
  readonly #flushMs: number;
  #start = 0;
  #nextFlush = 0;

  constructor(windowMs: number, now: number, flushMs = 1000) {
    this.#windowMs = windowMs;
    this.#flushMs = Math.min(flushMs, windowMs);
    this.#begin(now);
  }

  /** The flush that is due at `now`, if any. A clock that was set back begins the window anew. */
  due(now: number): Flush | undefined {
    if (now < this.#start) this.#begin(now);
    if (now < this.#nextFlush) return undefined;
    const boundary = now - (now % this.#windowMs);
    const whole = boundary > this.#start;
    const flush = { start: this.#start * microseconds, end: (whole ? boundary : now) * microseconds, whole };
    this.#begin(now);
    return flush;
  }

  /** What remains when collecting ends within a window. */
  last(now: number): Flush {
    return { start: Math.min(this.#start, now) * microseconds, end: now * microseconds, whole: true };
  }

  #begin(now: number): void {
    this.#start = now - (now % this.#windowMs);
    this.#nextFlush = Math.min(now - (now % this.#flushMs) + this.#flushMs, this.#start + this.#windowMs);
  }
}

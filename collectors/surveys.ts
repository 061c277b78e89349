import type { Clock } from "../core/clock.ts";
import type { Sensor } from "./sensor.ts";
import type { Flush } from "./window.ts";

// After an overrun one dump is enough to find what was missed.
const reconcilePauseMs = 30_000;
// A dump costs the kernel and us about two seconds of a processor per million entries. Where windows are short for so many, they are
// told together: the table is read during at most a fifth of the time.
const restPerDump = 4;
// How long a slice of it may take; meanwhile no event is read.
const sliceMs = 10;

interface Survey {
  /** The window that it ends; undefined after an overrun. */
  readonly flush: Flush | undefined;
  readonly steps: Generator<void>;
  readonly began: number;
}

/**
 * Reading the whole table, and telling of what is open, between other things: at the end of each window, and after an overrun. In
 * slices, so that events are read meanwhile.
 */
export class Surveys {
  readonly #sensor: Pick<Sensor, "dumping">;
  readonly #clock: Clock;
  readonly #tellOpen: (flush: Flush) => Generator<void>;
  #current: Survey | undefined;
  /** A window that is over and waits for its survey. */
  #next: Flush | undefined;
  #reconcileDue = false;
  #reconciledAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  #tookMs = 0;

  constructor(sensor: Pick<Sensor, "dumping">, clock: Clock, tellOpen: (flush: Flush) => Generator<void>) {
    this.#sensor = sensor;
    this.#clock = clock;
    this.#tellOpen = tellOpen;
  }

  /** How long the last one took, with what was read meanwhile. */
  get tookMs(): number {
    return this.#tookMs;
  }

  /** A slice is due at once. */
  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** When the window began that was not told of wholly yet, microseconds; undefined if it is the one that goes on. */
  get windowStart(): number | undefined {
    return this.#current?.flush?.start ?? this.#next?.start;
  }

  /** A window is over. It is told once the table was read. */
  endWindow(flush: Flush): void {
    this.#next = { ...flush, start: this.#next?.start ?? flush.start };
  }

  /** The table is to be read for its own sake; false if that was done a little while ago, or will be done anyway. */
  reconcile(): boolean {
    if (this.#reconcileDue || this.#clock.monotonic() - this.#reconciledAt < reconcilePauseMs) return false;
    this.#reconciledAt = this.#clock.monotonic();
    this.#reconcileDue = true;
    return true;
  }

  /** Does a slice of what is due. */
  goOn(): void {
    this.#begin();
    const until = this.#clock.monotonic() + sliceMs;
    while (this.#current !== undefined && this.#clock.monotonic() < until) this.#step();
  }

  /** Does all that was begun. */
  finish(): void {
    while (this.#current !== undefined) this.#step();
  }

  #begin(): void {
    if (this.#current !== undefined) return;
    const began = this.#clock.monotonic();
    if (this.#next !== undefined && began >= this.#notBefore) {
      const flush = this.#next;
      this.#next = undefined;
      this.#reconcileDue = false;
      this.#current = { flush, steps: this.#survey(flush), began };
    } else if (this.#reconcileDue) {
      this.#reconcileDue = false;
      this.#current = { flush: undefined, steps: this.#survey(undefined), began };
    }
  }

  *#survey(flush: Flush | undefined): Generator<void> {
    yield* this.#sensor.dumping();
    if (flush !== undefined) yield* this.#tellOpen(flush);
  }

  #step(): void {
    const { steps, began } = this.#current as Survey;
    if (!steps.next().done) return;
    const now = this.#clock.monotonic();
    this.#tookMs = now - began;
    this.#notBefore = now + restPerDump * this.#tookMs;
    this.#current = undefined;
  }
}

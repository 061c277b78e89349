/** closed: all is sent; open: nothing is, until a while is over; probing: one request finds out. */
export type Circuit = "closed" | "open" | "probing";

/** Failures in a row until nothing more is sent. */
const failuresUntilOpen = 3;
const firstPauseMs = 200;
const longestPauseMs = 30_000;

/** Whether anything is sent to somebody who did not answer the last times. Times by a monotonic clock, milliseconds. */
export class Breaker {
  #failures = 0;
  #resumeAt = 0;
  #probing = false;

  get circuit(): Circuit {
    if (this.#failures < failuresUntilOpen) return "closed";
    return this.#probing ? "probing" : "open";
  }

  /** Until when nothing may be sent; 0 while all is well. */
  get resumeAt(): number {
    return this.#resumeAt;
  }

  /** Something is sent; if the circuit is not closed, it is the one that finds out. */
  sent(): void {
    this.#probing = this.#failures >= failuresUntilOpen;
  }

  /** Any answer that is no refusal of the whole. */
  answered(): void {
    this.#failures = 0;
    this.#resumeAt = 0;
    this.#probing = false;
  }

  /** Of several that were at work at once, the first counts. */
  failed(now: number): void {
    if (now < this.#resumeAt) return;
    this.#failures += 1;
    this.#probing = false;
    this.#resumeAt = now + Math.min(firstPauseMs * 2 ** (this.#failures - 1), longestPauseMs);
  }
}

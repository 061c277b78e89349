// Measured: a wake-up costs 0.1 to 0.2 ms of CPU time, a datagram that waits costs nothing, and one system call takes a thousand;
// the kernel's buffer holds a quarter of a second of 150,000 connections each second.
// So at a high rate we come less often. At a low one we come soon, and while nothing happens less often again.
export const soonMs = 5;
const mostMs = 40;
const idleMs = 20;
/** How many datagrams are worth a wake-up, from this rate on (each millisecond). */
const enough = 4_000;
const busy = 4;
/** Reads that found nothing until it counts as idle: a client that asks again right away should not wait each time. */
const patience = 20;

/** How long to wait until the next reading, by what the last ones found. */
export class ReadingPace {
  /** Datagrams per millisecond, averaged over the last few readings. */
  #rate = 0;
  #empty = 0;

  /** The pause after a reading that found so many datagrams since the one before, `elapsedMs` ago; milliseconds. */
  after(datagrams: number, elapsedMs: number): number {
    this.#empty = datagrams === 0 ? this.#empty + 1 : 0;
    const rate = datagrams / Math.max(elapsedMs, 1);
    // Up at once, down slowly: between bursts as well the kernel's buffer must never be waited full.
    this.#rate = rate > this.#rate ? rate : (3 * this.#rate + rate) / 4;
    if (this.#empty > patience) return idleMs;
    return this.#rate < busy ? soonMs : Math.min(Math.max(Math.floor(enough / this.#rate), soonMs), mostMs);
  }
}

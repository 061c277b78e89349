/** That audit events stopped, or that they came again. Times are milliseconds since the epoch. */
export type PulseNews =
  | { readonly kind: "stopped"; readonly lastHeard: number; readonly why: "probe" | "unexplained" }
  | { readonly kind: "resumed"; readonly since: number; readonly heard: number };

/**
 * Notices when audit events stop. That none come says nothing by itself: perhaps nobody did anything. It needs something that must have
 * made one: a request of our own, or a change that list and watch saw. Pure: it is told what time it is.
 */
export class Pulse {
  readonly #silenceMs: number;
  #lastHeard: number;
  /** The first thing since then that must have made an event. */
  #owed: { readonly at: number; readonly why: "probe" | "unexplained" } | undefined;
  #silentSince: number | undefined;

  constructor(silenceMs: number, now: number) {
    this.#silenceMs = silenceMs;
    this.#lastHeard = now;
  }

  get isSilent(): boolean {
    return this.#silentSince !== undefined;
  }

  /** Whether nothing came for so long that it is time to ask. */
  isQuiet(now: number): boolean {
    return now - this.#lastHeard >= this.#silenceMs / 2;
  }

  heard(now: number): PulseNews | undefined {
    const since = this.#silentSince;
    this.#lastHeard = now;
    this.#owed = undefined;
    this.#silentSince = undefined;
    return since === undefined ? undefined : { kind: "resumed", since, heard: now };
  }

  /** Something was done at that time that must be told of. */
  owe(why: "probe" | "unexplained", at: number): void {
    if (at >= this.#lastHeard) this.#owed ??= { at, why };
  }

  check(now: number): PulseNews | undefined {
    if (this.#owed === undefined || this.isSilent || now - this.#owed.at < this.#silenceMs) return undefined;
    this.#silentSince = this.#lastHeard;
    return { kind: "stopped", lastHeard: this.#lastHeard, why: this.#owed.why };
  }
}

import { systemClock } from "../core/clock.ts";

/** News of a change comes after whoever made it has ended. Until then its number is not given to another process, in practice. */
const rememberedMs = 2_000;

/** Processes that we started to change the ruleset: what they do is not somebody else's doing. */
export class OwnChildren {
  /** When it ended, by pid. */
  readonly #known = new Map<number, number | null>();

  began(pid: number): void {
    if (pid !== 0) this.#known.set(pid, null);
  }

  ended(pid: number): void {
    if (this.#known.has(pid)) this.#known.set(pid, systemClock.monotonic());
    for (const [old, at] of this.#known)
      if (at !== null && systemClock.monotonic() > at + rememberedMs) this.#known.delete(old);
  }

  has(pid: number): boolean {
    const at = this.#known.get(pid);
    return at === null || (at !== undefined && systemClock.monotonic() <= at + rememberedMs);
  }
}

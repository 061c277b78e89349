import type { Clock } from "../../clock.ts";
import { Condition } from "../../condition.ts";

/** That something about the kinds of the API server has changed: who waits for one looks again. */
export class Installations {
  readonly #changed = new Condition();
  #count = 0;

  /** How many changes there were. */
  get count(): number {
    return this.#count;
  }

  note(): void {
    this.#count++;
    this.#changed.changed();
  }

  /** Whether there was one since that count, before so long or within it. */
  async since(count: number, ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
    if (this.#count === count) await this.#changed.waitFor(ms, clock, signal);
    return this.#count !== count;
  }
}

import type { Clock } from "./clock.ts";

/** Wakes everybody who waits for something to change; each looks for itself whether it did. */
export class Condition {
  readonly #waiting = new Set<() => void>();

  /** Wakes all who wait now. */
  changed(): void {
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }

  /** Resolves at the next `changed`, or when the signal aborts (it does not reject: the caller checks the signal). */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }

  /** The same, but for so long at most. */
  async waitFor(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    await Promise.race([this.wait(either), clock.sleep(ms, either)]);
    over.abort();
  }
}

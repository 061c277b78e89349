/** Time as a dependency: what waits or stamps takes a Clock, so that tests decide what time it is. */
export interface Clock {
  /** Wall time, milliseconds since the epoch. */
  now(): number;
  /** Monotonic time in milliseconds from an arbitrary start; never steps. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal aborts (it does not reject: the caller checks the signal). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    }),
};

/** `2026-11-23T10:00:00.123Z` of milliseconds since the epoch. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/;

/** Milliseconds since the epoch of an RFC 3339 time, or undefined if it is none. */
export function parseTime(text: string): number | undefined {
  const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN; // which alone takes "1" for a year
  return Number.isNaN(ms) ? undefined : ms;
}

/** Calls it after so long; the process may end by itself before. */
export function ifStillRunning(ms: number, call: () => void): void {
  setTimeout(call, ms).unref();
}

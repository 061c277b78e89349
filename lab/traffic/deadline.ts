import type { Clock } from "../../core/clock.ts";

/** Runs work with a signal that aborts after `ms`; the work itself decides what that comes to. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  work: (expired: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const expired = new AbortController();
  void clock.sleep(ms, done.signal).then(() => expired.abort());
  try {
    return await work(expired.signal);
  } finally {
    done.abort();
  }
}

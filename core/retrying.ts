import type { Clock } from "./clock.ts";
import { SluiceError } from "./errors.ts";
import type { Sink } from "./pipeline.ts";

export interface RetryOptions {
  readonly clock: Clock;
  /** First pause; doubles with each try up to `maxMs`. */
  readonly firstMs?: number;
  readonly maxMs?: number;
  /** Gives up after so many tries; without it, tries until the signal aborts. */
  readonly tries?: number;
}

/** Wraps a sink so that retriable failures are tried again with growing pauses. Others pass through at once. */
export function retrying<T>(sink: Sink<T>, options: RetryOptions): Sink<T> {
  const { clock, firstMs = 100, maxMs = 10_000, tries = Number.POSITIVE_INFINITY } = options;
  return {
    name: sink.name,
    async write(batch, signal) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await sink.write(batch, signal);
        } catch (thrown) {
          const again = thrown instanceof SluiceError && thrown.retriable && attempt < tries;
          if (again) await clock.sleep(Math.min(firstMs * 2 ** (attempt - 1), maxMs), signal);
          if (!again || signal.aborted) throw thrown;
        }
      }
    },
  };
}

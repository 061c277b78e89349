import type { Sink } from "./pipeline.ts";

/**
 * Writes each batch to several sinks at once, and is done when all of them are. The writes begin in the order of the sinks and
 * of the batches, so one that shows (a live table) shows at once, whatever one that gathers (an archive) still waits for.
 * If one fails the others finish all the same; the first failure is thrown. As every sink, each may see a batch twice.
 */
export function tee<T>(...sinks: readonly Sink<T>[]): Sink<T> {
  return {
    name: sinks.map(({ name }) => name).join("+"),
    async write(batch, signal) {
      const outcomes = await Promise.allSettled(sinks.map(async (sink) => sink.write(batch, signal)));
      const failure = outcomes.find((outcome) => outcome.status === "rejected");
      if (failure !== undefined) throw failure.reason;
    },
  };
}

import { Condition } from "./condition.ts";

/** So many items may wait; beyond it the sources do. */
const limit = 64;

/**
 * What several sources yield while they do, everything that waits at once: who takes it slowly gets more at a time. Ends when all have
 * ended or the signal aborts; throws what one of them throws.
 */
export async function* merged<T>(
  sources: readonly ((signal: AbortSignal) => AsyncIterable<T>)[],
  signal: AbortSignal,
): AsyncGenerator<readonly T[]> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const changed = new Condition();
  let waiting: T[] = [];
  let running = sources.length;
  const failures: unknown[] = [];
  const pump = async (source: (signal: AbortSignal) => AsyncIterable<T>) => {
    for await (const item of source(stop)) {
      waiting.push(item);
      changed.changed();
      while (waiting.length >= limit && !stop.aborted) await changed.wait(stop);
      if (stop.aborted) return;
    }
  };
  const ended = () => {
    running--;
    changed.changed();
  };
  const pumps = sources.map((source) =>
    pump(source)
      .catch((thrown) => failures.push(thrown))
      .finally(ended),
  );
  try {
    while (!stop.aborted && failures.length === 0 && (running > 0 || waiting.length > 0)) {
      if (waiting.length === 0) await changed.wait(stop);
      else {
        const taken = waiting;
        waiting = [];
        changed.changed();
        yield taken;
      }
    }
  } finally {
    over.abort();
    await Promise.all(pumps);
  }
  if (failures.length > 0) throw failures[0];
}

import type { Sink } from "./pipeline.ts";
import { type RetryOptions, retrying } from "./retrying.ts";

interface Waiting<T> {
  readonly batch: readonly T[];
  readonly signal: AbortSignal;
  readonly stored: PromiseWithResolvers<void>;
}

/**
 * As `retrying`, for a sink whose order counts: while something is tried again, what was written meanwhile waits, and then goes in one
 * write. So what the sink keeps may repeat itself, but never has a batch before one that was written earlier.
 */
export function retryingInOrder<T>(sink: Sink<T>, options: RetryOptions): Sink<T> {
  const inner = retrying(sink, options);
  const waiting: Waiting<T>[] = [];
  let isWriting = false;

  async function work(): Promise<void> {
    if (isWriting) return;
    isWriting = true;
    // Who writes in one go is in one write.
    await Promise.resolve();
    for (let group = next(); group.length > 0; group = next()) await writeAll(group);
    isWriting = false;
  }

  /** Those that are given up by the same signal. */
  function next(): readonly Waiting<T>[] {
    const other = waiting.findIndex(({ signal }) => signal !== waiting[0]?.signal);
    return waiting.splice(0, other === -1 ? waiting.length : other);
  }

  async function writeAll(group: readonly Waiting<T>[]): Promise<void> {
    const [first] = group as readonly [Waiting<T>];
    try {
      await inner.write(group.length === 1 ? first.batch : group.flatMap(({ batch }) => batch), first.signal);
      for (const { stored } of group) stored.resolve();
    } catch (thrown) {
      for (const { stored } of group) stored.reject(thrown);
    }
  }

  return {
    name: sink.name,
    write(batch, signal) {
      const stored = Promise.withResolvers<void>();
      waiting.push({ batch, signal, stored });
      void work();
      return stored.promise;
    },
  };
}

import type { Sink } from "../core/pipeline.ts";
import { tee } from "../core/tee.ts";

/** Writes to a sink and shows what is written, at once and once, however often it is tried until it is stored. */
export function shownOnce<T extends { readonly id: string }>(shown: Sink<T>, kept: Sink<T>): Sink<T> {
  /** Of what was shown and is not stored yet. */
  const ids = new Set<string>();
  const fresh: Sink<T> = {
    name: shown.name,
    async write(batch, signal) {
      const others = batch.filter(({ id }) => !ids.has(id));
      for (const { id } of others) ids.add(id);
      if (others.length > 0) await shown.write(others, signal);
    },
  };
  const both = tee(fresh, kept);
  return {
    name: both.name,
    async write(batch, signal) {
      await both.write(batch, signal);
      for (const { id } of batch) ids.delete(id);
    },
  };
}

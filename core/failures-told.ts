import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Sink } from "./pipeline.ts";

/** Wraps a sink that is asked again and again: tells why it takes nothing, each reason once, and when it takes something again. */
export function failuresTold<T>(sink: Sink<T>, log: Log): Sink<T> {
  const told = new Set<string>();
  return {
    name: sink.name,
    async write(batch, signal) {
      try {
        await sink.write(batch, signal);
      } catch (thrown) {
        const error = messageOf(thrown);
        if (!signal.aborted && !told.has(error)) {
          told.add(error);
          log.warn({ sink: sink.name, error }, "records are not taken; they wait, or are sent again");
        }
        throw thrown;
      }
      if (told.size === 0) return;
      told.clear();
      log.info({ sink: sink.name }, "records are taken again");
    },
  };
}

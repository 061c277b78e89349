import { aborted } from "../../core/aborted.ts";
import type { Source } from "../../core/pipeline.ts";
import type { Collecting } from "../flow-path.ts";
import type { RecordTopics } from "./record-topics.ts";

const group = "enrich";
const nothing = { name: "nothing", async *open() {} } satisfies Source<never>;

/** What collectors of other machines sent, in the place of a collector here. Losses and heartbeats need nobody's names: they go past. */
export function busCollecting(topics: RecordTopics, stop: AbortSignal): Collecting {
  return {
    ready: Promise.resolve(),
    flows: until(stop, topics.source("flows.raw", group)),
    dns: until(stop, topics.source("dns.raw", group)),
    losses: nothing,
    counters: undefined,
    run: (signal) => aborted(signal),
  };
}

/** A pipeline ends with its source, so this one has to end: what is handed out by then is acked before the bus closes. */
function until<T>(stop: AbortSignal, source: Source<T>): Source<T> {
  return { name: source.name, open: (signal) => source.open(AbortSignal.any([signal, stop])) };
}

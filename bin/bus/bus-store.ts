import type { Sink } from "../../core/pipeline.ts";
import type { Remembered } from "../../enrichers/enrich.ts";
import type { EngineStore } from "../engine-store.ts";
import { openNowhere } from "../engine-store.ts";
import type { RecordTopics, TopicRecords } from "./record-topics.ts";

/** An engine's store that hands these kinds on to a bus; of the others nothing is kept, since another process tells them. */
export async function busStore(
  topics: RecordTopics,
  kinds: readonly (keyof TopicRecords)[],
  remembered: Remembered,
): Promise<EngineStore> {
  const nowhere = await openNowhere({ onFlush: () => {} });
  const sink = <K extends keyof TopicRecords>(kind: K, other: Sink<TopicRecords[K]>) =>
    kinds.includes(kind) ? topics.sink(kind) : other;
  return {
    ...nowhere,
    remembered,
    flows: sink("flows", nowhere.flows),
    dns: sink("dns", nowhere.dns),
    tenures: sink("endpoints", nowhere.tenures),
    programs: sink("programs", nowhere.programs),
    changes: sink("changes", nowhere.changes),
  };
}

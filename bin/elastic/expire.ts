import type { Clock } from "../../core/clock.ts";
import { isoTime } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { contentHash } from "../../policy/hash.ts";
import type { Elastic } from "../../sinks/elasticsearch/elastic.ts";
import { type DeletedIndex, deleteExpired } from "../../sinks/elasticsearch/retention.ts";

export interface ExpireOptions {
  readonly elastic: Elastic;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Where it is recorded. */
  readonly changes: Sink<ChangeRecord>;
  readonly dry?: boolean;
}

/** What is to be kept for long: evidence, and little of it. */
const evidence: ReadonlySet<string> = new Set(["change", "alert", "loss"]);

/** Deletes the indices whose time is over, a log line and a record of kind retention for each; says which. */
export async function expireIndices(options: ExpireOptions, signal: AbortSignal): Promise<readonly DeletedIndex[]> {
  const { elastic, config, clock, log, metrics, changes, dry = false } = options;
  const { namespace, retentionMs, evidenceRetentionMs } = config.elasticsearch;
  const all: DeletedIndex[] = [];
  const retention = (set: string) => (evidence.has(set) ? evidenceRetentionMs : retentionMs);
  const onDeleted = async (deleted: DeletedIndex) => {
    all.push(deleted);
    if (dry) return;
    const { name: index, set, documents, bytes } = deleted;
    log.info({ index, documents, bytes }, "index deleted: its time was over");
    metrics.add("sluice_elasticsearch_deleted_indices_total", { set });
    await changes.write([retentionChange(deleted, config.cluster.name, clock.now())], signal);
  };
  await deleteExpired(elastic, { namespace, retention, now: clock.now(), dry, onDeleted }, signal);
  return all;
}

function retentionChange(deleted: DeletedIndex, cluster: string, now: number): ChangeRecord {
  const { name, documents, bytes, since, until, keptMs } = deleted;
  const us = Math.round(now * 1000);
  const nothingElse = { pid: null, commandLine: null, uid: null, user: null, login: null, container: null };
  const record: Omit<ChangeRecord, "id"> = {
    cluster,
    node: null,
    kind: "retention",
    start: us,
    foundAt: us,
    end: us,
    actor: { ...nothingElse, program: "sluice", ancestors: [] },
    object: `index ${name}`,
    summary: `deleted ${documents} documents from ${isoTime(since)} to ${isoTime(until)}, kept for ${keptMs / 86_400_000} days`,
    diff: [],
    outcome: "unknown",
    outcomeDetail: `${bytes} bytes`,
    request: null,
    control: null,
  };
  return { id: contentHash(record, 32), ...record };
}

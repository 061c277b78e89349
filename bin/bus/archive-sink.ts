import type { Clock } from "../../core/clock.ts";
import type { Metrics } from "../../core/metrics.ts";
import { run, type Sink } from "../../core/pipeline.ts";
import { retrying } from "../../core/retrying.ts";
import type { OpenStore } from "../engine-store.ts";
import { flowEventAt, type Kind, measured } from "../measure.ts";
import { together } from "../together.ts";
import type { RecordTopics, TopicRecords } from "./record-topics.ts";

const group = "archive";
/** The archive acks when a file is written, some seconds later; meanwhile the batches of other partitions wait for the same file. */
const inFlight = 128;

export interface ArchiveSinkOptions {
  readonly topics: RecordTopics;
  readonly openStore: OpenStore;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

type Into = <K extends keyof TopicRecords>(
  topic: K,
  kind: Kind,
  sink: Sink<TopicRecords[K]>,
  eventAt?: (record: TopicRecords[K]) => number,
) => Promise<void>;

/** All topics of records into the archive, until the signal aborts; what was handed out by then is stored. */
export async function archiveTopics(
  { topics, openStore, clock, metrics }: ArchiveSinkOptions,
  signal: AbortSignal,
): Promise<void> {
  const store = await openStore({
    onFlush: ({ kind, rows, ms }) => {
      metrics.observe("sluice_archive_flush_seconds", { kind }, ms / 1000);
      metrics.add("sluice_archive_rows_total", { kind }, rows);
    },
  });
  signal.addEventListener("abort", () => store.hurry?.(), { once: true });
  const into: Into = (topic, kind, sink, eventAt) => {
    const measures = { metrics, clock, kind, ...(eventAt === undefined ? {} : { eventAt }) };
    const durable = retrying(measured(sink, measures), { clock });
    return run(topics.source(topic, group), (batch) => batch, durable, { signal, inFlight });
  };
  try {
    await together(signal, [
      () => into("flows", "flow", store.flows, flowEventAt),
      () => into("dns", "dns", store.dns, ({ end }) => end),
      () => into("losses", "loss", store.losses, ({ start }) => start),
      () => into("heartbeats", "heartbeat", store.heartbeats, ({ start }) => start),
      () => into("endpoints", "endpoint", store.tenures),
      () => into("programs", "program", store.programs),
      () => into("changes", "change", store.changes),
    ]);
  } finally {
    await store.close();
  }
}

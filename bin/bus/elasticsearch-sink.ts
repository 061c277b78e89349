import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { run } from "../../core/pipeline.ts";
import { retrying } from "../../core/retrying.ts";
import { BulkWriter } from "../../sinks/elasticsearch/bulk/bulk-writer.ts";
import { type DocumentsOf, documentsOf, flowDocumentsOf } from "../../sinks/elasticsearch/documents-of.ts";
import type { Elastic } from "../../sinks/elasticsearch/elastic.ts";
import { elasticSink } from "../../sinks/elasticsearch/elastic-sink.ts";
import { flowEventAt, type Kind, measuredLots } from "../measure.ts";
import { together } from "../together.ts";
import type { RecordTopics, TopicRecords } from "./record-topics.ts";

const group = "elasticsearch";
/** Batches of other partitions fill the same requests. */
const inFlight = 64;
/** After a stop; a process has 10 s in all. */
const graceMs = 5_000;

export interface ElasticsearchSinkOptions {
  readonly topics: RecordTopics;
  readonly elastic: Elastic;
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** All topics of records that have documents into Elasticsearch, until the signal aborts; what it has not answered by then comes again. */
export async function elasticsearchTopics(options: ElasticsearchSinkOptions, signal: AbortSignal): Promise<void> {
  const { topics, config, clock, metrics } = options;
  const writer = bulkWriter(options);
  const { aggregateAllowed: allowed, aggregateDenied: denied, ...placing } = config.elasticsearch;
  const into = <K extends keyof TopicRecords>(
    topic: K,
    kind: Kind,
    documents: DocumentsOf<TopicRecords[K]>,
    eventAt: (record: TopicRecords[K]) => number,
  ) => {
    const sink = elasticSink<TopicRecords[K]>({
      name: `elasticsearch ${kind}`,
      writer,
      documentsOf: documents,
      bury: (records, lot, reason, until) => topics.bury(topic, records, lot, reason, until),
    });
    const durable = retrying(measuredLots(sink, { metrics, clock, kind, eventAt }), { clock });
    return run(topics.lots(topic, group), (lots) => lots, durable, { signal, inFlight });
  };
  signal.addEventListener("abort", () => void writer.stop(), { once: true });
  const flows = flowDocumentsOf(placing, { allowed, denied }, config.collector.windowMs);
  await together(signal, [
    () => into("flows", "flow", flows, flowEventAt),
    () => into("dns", "dns", documentsOf("dns", placing), ({ end }) => end),
    () => into("losses", "loss", documentsOf("loss", placing), ({ start }) => start),
    () => into("heartbeats", "heartbeat", documentsOf("heartbeat", placing), ({ start }) => start),
    () => into("changes", "change", documentsOf("change", placing), ({ foundAt }) => foundAt),
  ]);
}

function bulkWriter({ elastic, config, clock, metrics, log }: ElasticsearchSinkOptions): BulkWriter {
  const { batchBytes, batchDocuments, batchMs, maxConcurrency } = config.elasticsearch;
  const writer = new BulkWriter({
    elastic,
    clock,
    limits: { bytes: batchBytes, documents: batchDocuments, ageMs: batchMs, concurrency: maxConcurrency, graceMs },
    events: {
      onRequest: ({ kind: answer, ms }) => {
        metrics.add("sluice_elasticsearch_requests_total", { answer });
        metrics.observe("sluice_elasticsearch_bulk_seconds", {}, ms / 1000);
      },
      onDocuments: (outcome, count) => metrics.add("sluice_elasticsearch_documents_total", { outcome }, count),
      onCircuit: (isOpen, reason) =>
        isOpen
          ? log.error({ reason }, "Elasticsearch does not answer; records wait in Kafka until it does")
          : log.info({}, "Elasticsearch answers again"),
    },
  });
  const gauge = (value: () => number) => () => [{ labels: {}, value: value() }];
  metrics.read(
    "sluice_elasticsearch_concurrency",
    gauge(() => writer.state.concurrency),
  );
  metrics.read(
    "sluice_elasticsearch_pending_bytes",
    gauge(() => writer.state.pendingBytes),
  );
  metrics.read(
    "sluice_elasticsearch_circuit_open",
    gauge(() => (writer.state.circuit === "closed" ? 0 : 1)),
  );
  return writer;
}

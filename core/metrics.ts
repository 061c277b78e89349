import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What is declared of a metric; docs/reference/metrics.md is generated from the table below. */
export interface MetricDeclaration {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's classes. */
  readonly buckets?: readonly number[];
}

const freshnessBuckets = [0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 300, 3600];
const podStartBuckets = [1, 2, 3, 5, 10, 20, 30, 60, 120, 300];
const podWaitBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const bulkBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const flushBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const counter = (help: string, ...labels: readonly string[]) => ({ type: "counter", help, labels }) as const;
const gauge = (help: string, ...labels: readonly string[]) => ({ type: "gauge", help, labels }) as const;
const histogram = (help: string, buckets: readonly number[], ...labels: readonly string[]) =>
  ({ type: "histogram", help, buckets, labels }) as const;

/** Every metric there is, by name: `sluice_<layer>_<noun>_<unit>_total`. The one to watch comes first. */
export const metricTable = {
  sluice_store_freshness_seconds: histogram(
    "From the first event that a record tells of until the record is stored; so the window of a flow is in it. Records that wait in a spool while the store is away show here. With Kafka between them each process tells of its own store: collectors of sluice.flows.raw (kind raw-flow), enrichers of sluice.flows, sinks of the archive or of Elasticsearch, which finds a document up to elasticsearch.refresh-ms later.",
    freshnessBuckets,
    "kind",
  ),
  sluice_store_records_total: counter("Records stored.", "kind"),
  sluice_store_failures_total: counter("Batches that could not be stored at a try; they are tried again.", "kind"),
  sluice_collector_events_total: counter(
    "What the kernel told: connection events, entries of dumps, logged packets.",
    "node",
    "kind",
  ),
  sluice_collector_denials_total: counter("Logged packets that a rule denied.", "node"),
  sluice_collector_overruns_total: counter("Times a kernel socket overran: events were lost.", "node"),
  sluice_collector_decode_failures_total: counter("Messages of the kernel that could not be read.", "node"),
  sluice_collector_foreign_packets_total: counter("Logged packets whose prefix is not ours.", "node"),
  sluice_kernel_drops_total: counter(
    "What the kernel counts on each node: event, log: datagrams that found the collector's socket full; table: packets dropped because the connection table was full; early: connections thrown out of it for others; insert: packets whose connection another packet had just made; restart: look-ups that began anew; clash: packets put to a connection that another had just made.",
    "node",
    "what",
  ),
  sluice_collector_survey_seconds: gauge(
    "What the last reading of the whole connection table took, with the events that were read meanwhile.",
    "node",
  ),
  sluice_collector_stall_seconds: gauge(
    "Longest time without reading events, beyond pauses that are meant, in the last window.",
    "node",
  ),
  sluice_collector_connections: gauge("Connections followed now.", "node"),
  sluice_collector_losses_total: counter("Loss records: something was not seen or not kept.", "node", "source"),
  sluice_collector_lost_records_total: counter(
    "What was lost, where its number is known; see sluice_collector_losses_total for the rest.",
    "node",
    "source",
  ),
  sluice_dns_messages_total: counter(
    "DNS messages by kind; malformed ones are losses too. other-segment: TCP segments that no message begins. unasked: answers by TCP to no query that was seen.",
    "node",
    "kind",
  ),
  sluice_dns_overruns_total: counter("Times the socket for copies of DNS overran.", "node"),
  sluice_dns_names: gauge("Addresses of which a node remembers what they were asked for by.", "node"),
  sluice_spool_bytes: gauge(
    "Bytes of the spool: what waits, and what shares a segment with it; spool.max-bytes bounds it.",
    "node",
  ),
  sluice_spool_segments: gauge("Files of the spool; more than a few say that the store is behind.", "node"),
  sluice_enricher_flows_total: counter(
    "Flow records by verdict and by who says so.",
    "action",
    "verdict_source",
    "mode",
  ),
  sluice_enricher_unknown_flows_total: counter("Flow records of which an address of the cluster had no known owner."),
  sluice_enricher_repeated_records_total: counter(
    "Records that came again after they were done with, left out.",
    "kind",
  ),
  sluice_enricher_held_back_batches_total: counter("Batches that waited for the owner of a fresh address."),
  sluice_enricher_held_back_seconds_total: counter("How long they waited."),
  sluice_enricher_unreadable_addresses_total: counter("Texts in objects in place of an address that are none."),
  sluice_history_dropped_records_total: counter(
    "Records of endpoints, programs and changes that found no place while the store was away.",
    "kind",
  ),
  sluice_control_changes_total: counter("Changes of controls that were seen.", "subject", "verb"),
  sluice_control_changes_waiting: gauge("Changes of controls that are not stored yet."),
  sluice_bus_lag_messages: gauge(
    "Messages of the partitions that this process has which it has not acked, as far as brokers told with what it got last.",
    "group",
    "topic",
    "partition",
  ),
  sluice_bus_lag_seconds: gauge(
    "How long ago the oldest message was written that this process has and has not acked; 0: it has none.",
    "group",
    "topic",
    "partition",
  ),
  sluice_bus_dead_letters_total: counter("Messages of the bus that could not be read; they are kept as dead letters."),
  sluice_work_jobs_total: counter("Periodic jobs that were done, or failed.", "what", "outcome"),
  sluice_audit_events_total: counter(
    "Events of the API server's audit, by what became of them: taken (it tells of a request to change a control), passed over, repeated, malformed.",
    "outcome",
  ),
  sluice_audit_refused_requests_total: counter(
    "Requests to the audit receiver or the admission webhook that were turned away, by reason: client, path, method, size, busy, body, kept (it could not be written to disk).",
    "reason",
  ),
  sluice_audit_last_event_timestamp_seconds: gauge(
    "When the API server answered the request that the newest audit event tells of; absent before the first.",
  ),
  sluice_audit_silent: gauge("1 while audit events have stopped, although there must be some, else 0."),
  sluice_audit_log_skipped_bytes_total: counter(
    "Bytes of the audit log that could not be read: rotated away, or lines without end.",
  ),
  sluice_policy_rules: gauge("Rules of the program that is wanted."),
  sluice_policy_pods: gauge("Pods and nodes that policies apply to."),
  sluice_enforcer_transactions_total: counter("Changes of the ruleset that the kernel took.", "node"),
  sluice_enforcer_failures_total: counter("Tries to bring the ruleset up to date that failed.", "node"),
  sluice_enforcer_transaction_seconds: gauge("What the last change took, rendering included.", "node"),
  sluice_enforcer_transaction_commands: gauge("Commands of the last change.", "node"),
  sluice_enforcer_pod_wait_seconds: histogram(
    "From when the interface of a pod is there until the rules know it.",
    podWaitBuckets,
    "node",
  ),
  sluice_enforcer_pod_start_seconds: histogram(
    "From the startTime of a pod (whole seconds, rounded down) until the rules know it.",
    podStartBuckets,
    "node",
  ),
  sluice_enforcer_current: gauge("1 if the kernel enforces the program that is wanted, else 0.", "node"),
  sluice_enforcer_problems: gauge("Things that the rules could not express or find.", "node"),
  sluice_rollout_held: gauge(
    "1 while changed policies are held back or were withdrawn, so that older ones are in force, else 0.",
  ),
  sluice_rollout_trial: gauge("1 while changed policies are on canary nodes only, or wait to be confirmed, else 0."),
  sluice_break_glass: gauge("1 while break-glass is on, so that policy denies nothing on the node, else 0.", "node"),
  sluice_enforcer_revoked_connections_total: counter("Connections closed because a change forbade them.", "node"),
  sluice_enforcer_revoke_failures_total: counter(
    "Tries to close connections that failed; what is left is tried again.",
    "node",
  ),
  sluice_enforcer_rules: gauge("Rules in force.", "node"),
  sluice_enforcer_sets: gauge("Sets and maps in force.", "node"),
  sluice_enforcer_elements: gauge("Elements of sets and maps in force.", "node"),
  sluice_enforcer_drifts_total: counter("Times somebody else had changed our table, and it was put right.", "node"),
  sluice_enforcer_applied_timestamp_seconds: gauge("When the rules were last brought up to date.", "node"),
  sluice_enforcer_proven: gauge(
    "1 if the last probe through the node's hooks was treated as the rules say, 0 if not; absent if none can be sent.",
    "node",
  ),
  sluice_enforcer_probes_total: counter("Probes that said something, by what they found.", "node", "outcome"),
  sluice_agreement_checked_total: counter("Verdicts of the kernel that the evaluator judged again."),
  sluice_agreement_skipped_total: counter(
    "Verdicts of the sample that could not be compared: policies or labels changed around them, or too little is known.",
    "reason",
  ),
  sluice_agreement_disagreements_total: counter(
    "Verdicts on which kernel and evaluator do not agree: allowed (the kernel let through what the evaluator denies), denied, or rule.",
    "kind",
  ),
  sluice_enforcer_tamperings_total: counter("Changes of our rules by others, each found and undone.", "node"),
  sluice_enforcer_gap_seconds_total: counter("How long rules were, or may have been, other than wanted.", "node"),
  sluice_enforcer_findings: gauge("Rules of others and sysctls that make our rules mean less than they say.", "node"),
  sluice_objects_faults_total: counter("Manifests that were not accepted, counted each time they are read anew."),
  sluice_objects_known: gauge("Objects of the API server that are known.", "resource"),
  sluice_objects_staleness_seconds: gauge(
    "How long ago the API server last said something of a resource: a change, or each minute that there is none.",
    "resource",
  ),
  sluice_objects_lists_total: counter(
    "Times all objects of a resource were listed: once, and again whenever changes were missed.",
    "resource",
  ),
  sluice_objects_failures_total: counter("Lists and watches that failed or were refused.", "resource"),
  sluice_objects_refused: gauge("1 while the API server does not let us read a resource, else 0.", "resource"),
  sluice_status_writes_total: counter(
    "Times that the status of a policy or tier was written, as it had become another.",
  ),
  sluice_status_failures_total: counter("Times that status could not be written; it is tried again."),
  sluice_taxonomies_failures_total: counter(
    "Times that the admission policies of a label taxonomy could not be brought to what it says, or nothing could be asked; they are tried again.",
  ),
  sluice_archive_flush_seconds: histogram("What writing one file of the archive took.", flushBuckets, "kind"),
  sluice_archive_rows_total: counter("Rows written to files of the archive.", "kind"),
  sluice_elasticsearch_documents_total: counter(
    "Documents by what became of them: stored; known: it was there before; again: turned away for now, or without an answer; rejected: a dead letter.",
    "outcome",
  ),
  sluice_elasticsearch_requests_total: counter(
    "Bulk requests by what was answered: items (each document was judged), busy, refused, tooLarge, unanswered.",
    "answer",
  ),
  sluice_elasticsearch_bulk_seconds: histogram("What a bulk request took until its answer.", bulkBuckets),
  sluice_elasticsearch_concurrency: gauge("Bulk requests that may be at work at once, as found out."),
  sluice_elasticsearch_pending_bytes: gauge("Bytes of documents that wait or are at work."),
  sluice_elasticsearch_circuit_open: gauge("1 while nothing is sent since Elasticsearch does not answer, else 0."),
  sluice_elasticsearch_deleted_indices_total: counter("Indices deleted because their time was over.", "set"),
} as const satisfies Readonly<Record<string, MetricDeclaration>>;

type Table = typeof metricTable;
export type MetricName = keyof Table;
type NameOf<Type extends MetricDeclaration["type"]> = {
  [Name in MetricName]: Table[Name]["type"] extends Type ? Name : never;
}[MetricName];
type Labels<Name extends MetricName> = Readonly<Record<Table[Name]["labels"][number], string>>;

export interface Sample<Name extends MetricName> {
  readonly labels: Labels<Name>;
  readonly value: number;
}

type Instrument = Counter | Gauge | Histogram;

/** The metrics of one process. What somebody counts already is read when asked for; the rest is counted here. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #instruments = new Map<MetricName, Instrument>();
  readonly #readers = new Map<MetricName, () => readonly { readonly labels: object; readonly value: number }[]>();

  constructor() {
    for (const [name, declaration] of Object.entries(metricTable) as [MetricName, MetricDeclaration][])
      this.#instruments.set(name, this.#instrument(name, declaration));
  }

  add<Name extends NameOf<"counter">>(name: Name, labels: Labels<Name>, count = 1): void {
    (this.#instruments.get(name) as Counter).inc(labels, count);
  }

  observe<Name extends NameOf<"histogram">>(name: Name, labels: Labels<Name>, value: number): void {
    (this.#instruments.get(name) as Histogram).observe(labels, value);
  }

  /** Has the values read whenever metrics are asked for; they are all there are of that name. */
  read<Name extends NameOf<"counter" | "gauge">>(name: Name, samples: () => readonly Sample<Name>[]): void {
    this.#readers.set(name, samples);
  }

  /** Memory, CPU time and event loop of the process as well, by the names that every Node program has for them. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #instrument(name: MetricName, { type, help, labels, buckets }: MetricDeclaration): Instrument {
    const common = { name, help, labelNames: [...labels], registers: [this.#registry] };
    const readers = this.#readers;
    switch (type) {
      case "histogram":
        return new Histogram({ ...common, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
      case "gauge":
        return new Gauge({
          ...common,
          collect() {
            const samples = readers.get(name)?.();
            if (samples !== undefined) this.reset();
            for (const { labels, value } of samples ?? []) this.set(labels, value);
          },
        });
      case "counter":
        return new Counter({
          ...common,
          collect() {
            const samples = readers.get(name)?.();
            if (samples !== undefined) this.reset();
            for (const { labels, value } of samples ?? []) this.inc(labels, value);
          },
        });
    }
  }
}

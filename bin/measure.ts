import type { DnsCounters } from "../collectors/dns/observer.ts";
import type { CollectorCounters } from "../collectors/recorder.ts";
import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Sink } from "../core/pipeline.ts";
import type { Lot } from "../core/record-topic.ts";
import type { Flow, RawFlow } from "../core/records/flow.ts";
import type { Loss } from "../core/records/loss.ts";
import { isOpenOn } from "../enforcer/break-glass.ts";
import type { EnforcerStatus } from "../enforcer/enforcer.ts";
import type { ProofStatus } from "../enforcer/prover.ts";
import type { RulesetSize } from "../enforcer/ruleset-size.ts";
import type { PolicyRollout } from "./policy-rollout.ts";
import type { SpoolUsage } from "./spool-usage.ts";

/** What a sink stores, for the label `kind`; raw-flow: what collectors write to Kafka. */
export type Kind = "flow" | "raw-flow" | "loss" | "heartbeat" | "endpoint" | "program" | "change" | "dns";

export interface Measures<T> {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly kind: Kind;
  /** When what a record tells of began, microseconds; without it there is no freshness to speak of. */
  readonly eventAt?: (record: T) => number;
}

/** Wraps the sink that makes records durable: how many, how often not, and how old they were by then. */
export function measured<T>(sink: Sink<T>, measures: Measures<T>): Sink<T> {
  return measuredBy(sink, measures, (batch) => batch);
}

/** The same of records message by message. */
export function measuredLots<T>(sink: Sink<Lot<T>>, measures: Measures<T>): Sink<Lot<T>> {
  return measuredBy(sink, measures, (lots) => lots.flatMap(({ records }) => records));
}

function measuredBy<T, R>(
  sink: Sink<T>,
  { metrics, clock, kind, eventAt }: Measures<R>,
  recordsOf: (batch: readonly T[]) => readonly R[],
): Sink<T> {
  return {
    name: sink.name,
    async write(batch, signal) {
      try {
        await sink.write(batch, signal);
      } catch (thrown) {
        metrics.add("sluice_store_failures_total", { kind });
        throw thrown;
      }
      const records = recordsOf(batch);
      metrics.add("sluice_store_records_total", { kind }, records.length);
      if (eventAt === undefined) return;
      const now = clock.now();
      for (const record of records) {
        const age = Math.max(0, now - eventAt(record) / 1000) / 1000;
        metrics.observe("sluice_store_freshness_seconds", { kind }, age);
      }
    },
  };
}

/** A record tells of a whole window, or of what of it the connection has lived through. */
export function flowEventAt({ start, startedAt }: RawFlow): number {
  return Math.max(start, startedAt);
}

export function countFlows(metrics: Metrics, batch: readonly Flow[]): void {
  const counts = new Map<string, { readonly flow: Flow; count: number }>();
  let unknown = 0;
  for (const flow of batch) {
    const key = `${flow.action} ${flow.verdictSource} ${flow.mode}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { flow, count: 1 });
    else known.count++;
    if (flow.source?.kind === "unknown" || flow.destination?.kind === "unknown") unknown++;
  }
  for (const { flow, count } of counts.values()) {
    const { action, verdictSource, mode } = flow;
    metrics.add("sluice_enricher_flows_total", { action, verdict_source: verdictSource, mode }, count);
  }
  if (unknown > 0) metrics.add("sluice_enricher_unknown_flows_total", {}, unknown);
}

export function countLosses(metrics: Metrics, batch: readonly Loss[]): void {
  for (const { node, source, count } of batch) {
    metrics.add("sluice_collector_losses_total", { node, source });
    metrics.add("sluice_collector_lost_records_total", { node, source }, count ?? 0);
  }
}

/** A node's collector, as far as it is measured. */
export interface CollectorGauges {
  readonly node: string;
  readonly counters: CollectorCounters | undefined;
  readonly dns?: DnsCounters | undefined;
  readonly spool: SpoolUsage | undefined;
}

export function readCollectors(metrics: Metrics, collectors: () => readonly CollectorGauges[]): void {
  const counted = () =>
    collectors().flatMap(({ node, counters }) => (counters === undefined ? [] : [{ node, counters }]));
  const spools = () => collectors().flatMap(({ node, spool }) => (spool === undefined ? [] : [{ node, spool }]));
  metrics.read("sluice_collector_events_total", () =>
    counted().flatMap(({ node, counters }) => [
      { labels: { node, kind: "conntrack" }, value: counters.conntrackEvents },
      { labels: { node, kind: "dump" }, value: counters.dumpedEntries },
      { labels: { node, kind: "nflog" }, value: counters.loggedPackets },
    ]),
  );
  metrics.read("sluice_kernel_drops_total", () =>
    counted().flatMap(({ node, counters }) =>
      kernelDrops(counters).map(([what, value]) => ({ labels: { node, what }, value })),
    ),
  );
  const each = (count: (counters: CollectorCounters) => number) => () =>
    counted().map(({ node, counters }) => ({ labels: { node }, value: count(counters) }));
  metrics.read(
    "sluice_collector_denials_total",
    each(({ denials }) => denials),
  );
  metrics.read(
    "sluice_collector_overruns_total",
    each(({ overruns }) => overruns),
  );
  metrics.read(
    "sluice_collector_decode_failures_total",
    each(({ malformed }) => malformed),
  );
  metrics.read(
    "sluice_collector_foreign_packets_total",
    each(({ foreignPrefixes }) => foreignPrefixes),
  );
  metrics.read(
    "sluice_collector_survey_seconds",
    each(({ surveyMs }) => surveyMs / 1000),
  );
  metrics.read(
    "sluice_collector_stall_seconds",
    each(({ stallMs }) => stallMs / 1000),
  );
  metrics.read(
    "sluice_collector_connections",
    each(({ connections }) => connections),
  );
  readDns(metrics, () => collectors().flatMap(({ node, dns }) => (dns === undefined ? [] : [{ node, dns }])));
  metrics.read("sluice_spool_bytes", () =>
    spools().map(({ node, spool }) => ({ labels: { node }, value: spool.bytes })),
  );
  metrics.read("sluice_spool_segments", () =>
    spools().map(({ node, spool }) => ({ labels: { node }, value: spool.segments })),
  );
}

const kernelDrops = (counters: CollectorCounters): readonly (readonly [what: string, count: number])[] => [
  ["event", counters.eventDrops],
  ["log", counters.logDrops],
  ["table", counters.tableDrops],
  ["early", counters.earlyDrops],
  ["insert", counters.insertFailures],
  ["restart", counters.searchRestarts],
  ["clash", counters.clashes],
];

function readDns(
  metrics: Metrics,
  counted: () => readonly { readonly node: string; readonly dns: DnsCounters }[],
): void {
  metrics.read("sluice_dns_messages_total", () =>
    counted().flatMap(({ node, dns: { queries, answers, malformed, otherSegments, unasked } }) => [
      { labels: { node, kind: "query" }, value: queries },
      { labels: { node, kind: "answer" }, value: answers },
      { labels: { node, kind: "malformed" }, value: malformed },
      { labels: { node, kind: "other-segment" }, value: otherSegments },
      { labels: { node, kind: "unasked" }, value: unasked },
    ]),
  );
  metrics.read("sluice_dns_overruns_total", () =>
    counted().map(({ node, dns }) => ({ labels: { node }, value: dns.overruns })),
  );
  metrics.read("sluice_dns_names", () => counted().map(({ node, dns }) => ({ labels: { node }, value: dns.names })));
}

/** A node's enforcer and the revision that it should enforce. */
export interface EnforcerGauges {
  readonly node: string;
  readonly status: EnforcerStatus;
  readonly wanted: string | undefined;
  readonly size: RulesetSize;
  readonly probe: ProofStatus | undefined;
}

export function readEnforcers(metrics: Metrics, enforcers: () => readonly EnforcerGauges[]): void {
  const each = (count: (gauges: EnforcerGauges) => number) => () =>
    enforcers().map((gauges) => ({ labels: { node: gauges.node }, value: count(gauges) }));
  metrics.read(
    "sluice_enforcer_transactions_total",
    each(({ status }) => status.applied),
  );
  metrics.read(
    "sluice_enforcer_failures_total",
    each(({ status }) => status.failed),
  );
  metrics.read(
    "sluice_enforcer_transaction_seconds",
    each(({ status }) => status.ms / 1000),
  );
  metrics.read(
    "sluice_enforcer_transaction_commands",
    each(({ status }) => status.commands),
  );
  metrics.read(
    "sluice_enforcer_problems",
    each(({ status }) => status.problems.length),
  );
  metrics.read(
    "sluice_enforcer_revoked_connections_total",
    each(({ status }) => status.revoked),
  );
  metrics.read(
    "sluice_enforcer_revoke_failures_total",
    each(({ status }) => status.revokeFailures),
  );
  metrics.read(
    "sluice_enforcer_rules",
    each(({ size }) => size.rules),
  );
  metrics.read(
    "sluice_enforcer_sets",
    each(({ size }) => size.sets),
  );
  metrics.read(
    "sluice_enforcer_elements",
    each(({ size }) => size.elements),
  );
  metrics.read(
    "sluice_enforcer_drifts_total",
    each(({ status }) => status.repaired),
  );
  metrics.read(
    "sluice_enforcer_applied_timestamp_seconds",
    each(({ status }) => (status.appliedAt ?? 0) / 1000),
  );
  readProbes(metrics, enforcers);
  metrics.read(
    "sluice_enforcer_current",
    each(({ status, wanted }) =>
      Number(status.revision !== null && status.revision === wanted && status.failure === null),
    ),
  );
}

export function readRollout(
  metrics: Metrics,
  nodes: readonly string[],
  rollout: Pick<PolicyRollout, "rollout" | "breakGlass">,
): void {
  metrics.read("sluice_rollout_held", () => [{ labels: {}, value: Number(rollout.rollout.held !== null) }]);
  metrics.read("sluice_rollout_trial", () => [{ labels: {}, value: Number(rollout.rollout.trial !== null) }]);
  metrics.read("sluice_break_glass", () =>
    nodes.map((node) => ({ labels: { node }, value: Number(isOpenOn(node, rollout.breakGlass)) })),
  );
}

function readProbes(metrics: Metrics, enforcers: () => readonly EnforcerGauges[]): void {
  const probed = () => enforcers().flatMap(({ node, probe }) => (probe === undefined ? [] : [{ node, probe }]));
  metrics.read("sluice_enforcer_proven", () =>
    probed()
      .filter(({ probe }) => probe.state !== "unknown")
      .map(({ node, probe }) => ({ labels: { node }, value: Number(probe.state === "enforcing") })),
  );
  metrics.read("sluice_enforcer_probes_total", () =>
    probed().flatMap(({ node, probe: { probes, failures } }) => [
      { labels: { node, outcome: "enforcing" }, value: probes - failures },
      { labels: { node, outcome: "not-enforceable" }, value: failures },
    ]),
  );
}

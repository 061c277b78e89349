/** Series a minute apart, in promtool's notation: `0x10` is 0 eleven times, `0+5x10` rises by 5, `_` is no value. */
export type Series = Readonly<Record<string, string>>;

export interface AlertCase {
  readonly alert: string;
  /** Under these it fires at `minutes`, with these labels beside its severity. */
  readonly fires: Series;
  readonly labels: Readonly<Record<string, string>>;
  readonly minutes: number;
  /** Under these, which are as near as can be, it does not. */
  readonly silent: Series;
  /** When it does not, if not at `minutes`. */
  readonly silentMinutes?: number;
  /** The same with what excuses it: each is added to what it fires under. */
  readonly excuses?: readonly Series[];
}

const node = { node: "n1" };
const instance = { instance: "i1" };

/** What excuses nobody: it is of another process, or of another of its nodes. */
const elsewhere: Series = {
  'sluice_rollout_held{instance="i2"}': "1x10",
  'sluice_rollout_trial{instance="i2"}': "1x10",
  'sluice_break_glass{node="n2", instance="i1"}': "1x10",
};

/** A gauge of a node that is 0 for long enough; shorter it is silent. */
const zero = (alert: string, metric: string, minutes: number): AlertCase => ({
  alert,
  fires: { [`${metric}{node="n1"}`]: `1 0x${minutes + 5}` },
  labels: node,
  minutes: minutes + 2,
  silent: { [`${metric}{node="n1"}`]: `1 0x${minutes - 1} 1x10` },
});

/** A gauge of a node above its bound for long enough. */
const above = (alert: string, metric: string, bad: number, good: number, minutes: number): AlertCase => ({
  alert,
  fires: { [`${metric}{node="n1"}`]: `${bad}x${minutes + 5}` },
  labels: node,
  minutes: minutes + 2,
  silent: { [`${metric}{node="n1"}`]: `${good}x${minutes + 5}` },
});

/** A counter that is there from the start and rises; at rest it is silent. */
const rises = (
  alert: string,
  series: string,
  labels: Readonly<Record<string, string>>,
  minutes = 5,
  by = 3,
): AlertCase => ({
  alert,
  fires: { [series]: `0+${by}x${minutes + 5}` },
  labels,
  minutes: minutes + 2,
  silent: { [series]: `7x${minutes + 5}` },
});

/** A counter that is not there until the first happens. It ends when that is longer ago than the rule looks back, in minutes. */
const begins = (
  alert: string,
  series: string,
  labels: Readonly<Record<string, string>>,
  window: number,
): AlertCase => ({
  alert,
  fires: { [series]: "_x5 9x3" },
  labels,
  minutes: 7,
  silent: { [series]: `_x5 9x${window + 10}` },
  silentMinutes: window + 10,
});

/** Two classes of a histogram, of which all that comes falls into the second. */
const slow = (
  alert: string,
  metric: string,
  [fine, bad]: readonly [number, number],
  labels: Readonly<Record<string, string>>,
): AlertCase => {
  const of = (le: number | string) =>
    `${metric}_bucket{${Object.entries({ ...labels, le })
      .map(([name, value]) => `${name}="${value}"`)
      .join(", ")}}`;
  return {
    alert,
    fires: { [of(fine)]: "0x60", [of(bad)]: "0+10x60", [of("+Inf")]: "0+10x60" },
    labels,
    minutes: 40,
    silent: { [of(fine)]: "0+10x60", [of(bad)]: "0+10x60", [of("+Inf")]: "0+10x60" },
  };
};

/** Each alert of deploy/prometheus/sluice.rules.yaml once. */
export const alertCases: readonly AlertCase[] = [
  {
    alert: "SluiceDown",
    fires: { 'up{job="sluice-node", instance="i1"}': "1 0x10" },
    labels: { job: "sluice-node", ...instance },
    minutes: 5,
    silent: { 'up{job="other", instance="i1"}': "0x10" },
  },
  {
    alert: "SluiceRestarting",
    fires: { 'process_start_time_seconds{job="sluice", instance="i1"}': "100x3 200x3 300x3 400x3 500x3" },
    labels: { job: "sluice", ...instance },
    minutes: 18,
    silent: { 'process_start_time_seconds{job="sluice", instance="i1"}': "100x3 200x20" },
  },
  {
    alert: "SluiceEventLoopSlow",
    fires: { 'nodejs_eventloop_lag_p99_seconds{job="sluice", instance="i1"}': "0.8x20" },
    labels: { job: "sluice", ...instance },
    minutes: 12,
    silent: { 'nodejs_eventloop_lag_p99_seconds{job="sluice", instance="i1"}': "0.1x20" },
  },
  {
    ...zero("SluiceNotCurrent", "sluice_enforcer_current", 2),
    fires: { 'sluice_enforcer_current{node="n1", instance="i1"}': "1 0x10", ...elsewhere },
    labels: { ...node, ...instance },
    excuses: [
      { 'sluice_rollout_held{instance="i1"}': "1x10" },
      { 'sluice_rollout_trial{instance="i1"}': "1x10" },
      { 'sluice_break_glass{node="n1", instance="i1"}': "1x10" },
    ],
  },
  zero("SluiceNotProven", "sluice_enforcer_proven", 2),
  begins("SluiceTampering", 'sluice_enforcer_tamperings_total{node="n1"}', node, 10),
  begins("SluiceGap", 'sluice_enforcer_gap_seconds_total{node="n1"}', node, 60),
  rises("SluiceDrift", 'sluice_enforcer_drifts_total{node="n1"}', node),
  rises("SluiceEnforcerFailing", 'sluice_enforcer_failures_total{node="n1"}', node),
  rises("SluiceRevokeFailing", 'sluice_enforcer_revoke_failures_total{node="n1"}', node),
  slow("SluicePodWaitLong", "sluice_enforcer_pod_wait_seconds", [0.5, 5], node),
  above("SluiceEnforcerProblems", "sluice_enforcer_problems", 2, 0, 15),
  above("SluiceFindings", "sluice_enforcer_findings", 1, 0, 15),
  begins("SluiceDisagreement", 'sluice_agreement_disagreements_total{kind="allowed"}', { kind: "allowed" }, 15),
  begins("SluiceDisagreementDenied", 'sluice_agreement_disagreements_total{kind="rule"}', { kind: "rule" }, 15),
  above("SluiceBreakGlass", "sluice_break_glass", 1, 0, 0),
  {
    alert: "SluiceRolloutHeld",
    fires: { sluice_rollout_held: "1x10" },
    labels: {},
    minutes: 7,
    silent: { sluice_rollout_held: "1x3 0x10" },
  },
  {
    alert: "SluiceTrialLong",
    fires: { sluice_rollout_trial: "1x70" },
    labels: {},
    minutes: 65,
    silent: { sluice_rollout_trial: "1x30 0x40" },
  },
  rises("SluiceManifestsRefused", 'sluice_objects_faults_total{instance="i1"}', instance),
  {
    alert: "SluiceObjectsStale",
    fires: { 'sluice_objects_staleness_seconds{resource="pods", instance="i1"}': "0+60x10" },
    labels: { ...instance, resource: "pods" },
    minutes: 7,
    // The API server speaks up each minute, also where nothing changes.
    silent: { 'sluice_objects_staleness_seconds{resource="pods", instance="i1"}': "0+60x3 0+60x3 0+60x3" },
  },
  {
    alert: "SluiceObjectsRefused",
    fires: { 'sluice_objects_refused{resource="tiers.projectcalico.org", instance="i1"}': "1x10" },
    labels: { ...instance, resource: "tiers.projectcalico.org" },
    minutes: 6,
    silent: { 'sluice_objects_refused{resource="tiers.projectcalico.org", instance="i1"}': "1x3 0x10" },
  },
  {
    alert: "SluiceAuditSilent",
    fires: { 'sluice_audit_silent{instance="i1"}': "0 1x5" },
    labels: instance,
    minutes: 3,
    silent: { 'sluice_audit_silent{instance="i1"}': "0x10" },
  },
  begins(
    "SluiceAuditRefused",
    'sluice_audit_refused_requests_total{instance="i1", reason="client"}',
    { ...instance, reason: "client" },
    10,
  ),
  {
    alert: "SluiceDenialsRise",
    fires: { 'sluice_collector_denials_total{node="n1"}': "0+60x90 5400+1200x40" },
    labels: node,
    minutes: 104,
    silent: { 'sluice_collector_denials_total{node="n1"}': "0+600x150" },
  },
  begins(
    "SluiceRecordsLost",
    'sluice_collector_losses_total{node="n1", source="nflog"}',
    { ...node, source: "nflog" },
    15,
  ),
  begins(
    "SluiceSpoolDropping",
    'sluice_collector_losses_total{node="n1", source="queue"}',
    { ...node, source: "queue" },
    15,
  ),
  {
    alert: "SluiceSpoolFilling",
    fires: { 'sluice_spool_bytes{node="n1"}': "300000000+1000000x40" },
    labels: node,
    minutes: 30,
    silent: { 'sluice_spool_bytes{node="n1"}': "300000000-1000000x40" },
  },
  rises("SluiceOverruns", 'sluice_collector_overruns_total{node="n1"}', node),
  rises("SluiceConnectionTableFull", 'sluice_kernel_drops_total{node="n1", what="table"}', { ...node, what: "table" }),
  rises(
    "SluiceConnectionsThrownOut",
    'sluice_kernel_drops_total{node="n1", what="early"}',
    { ...node, what: "early" },
    12,
  ),
  above("SluiceCollectorStalls", "sluice_collector_stall_seconds", 2, 0.4, 5),
  rises("SluiceDecodeFailures", 'sluice_collector_decode_failures_total{node="n1"}', node),
  rises("SluiceForeignPackets", 'sluice_collector_foreign_packets_total{node="n1"}', node, 20),
  rises("SluiceDnsOverruns", 'sluice_dns_overruns_total{node="n1"}', node),
  rises("SluiceStoreFailing", 'sluice_store_failures_total{kind="flow"}', { kind: "flow" }, 15),
  slow("SluiceStoreSlow", "sluice_store_freshness_seconds", [20, 300], { kind: "flow", ...instance }),
  {
    alert: "SluiceNothingStored",
    fires: { 'sluice_store_records_total{kind="heartbeat", instance="i1"}': "5x20" },
    labels: instance,
    minutes: 15,
    silent: { 'sluice_store_records_total{kind="heartbeat", instance="i1"}': "0+6x20" },
  },
  slow("SluiceArchiveSlow", "sluice_archive_flush_seconds", [1, 10], { kind: "flow", ...instance }),
  rises("SluiceDeadLetters", 'sluice_bus_dead_letters_total{instance="i1"}', instance),
  begins(
    "SluiceDocumentsRejected",
    'sluice_elasticsearch_documents_total{outcome="rejected", instance="i1"}',
    { ...instance, outcome: "rejected" },
    15,
  ),
  {
    alert: "SluiceJobsFailing",
    fires: {
      'sluice_work_jobs_total{what="archive", outcome="failed"}': "1+0x59 2+0x59 3+0x59 4+0x59",
      // Another job does well.
      'sluice_work_jobs_total{what="elasticsearch", outcome="done"}': "1+0x59 2+0x59 3+0x59 4+0x59",
    },
    labels: { what: "archive" },
    minutes: 150,
    silent: { 'sluice_work_jobs_total{what="archive", outcome="done"}': "1+0x59 2+0x59 3+0x59 4+0x59" },
    excuses: [{ 'sluice_work_jobs_total{what="archive", outcome="done", instance="i2"}': "1+0x59 2+0x59 3+0x59" }],
  },
  begins("SluiceHistoryDropped", 'sluice_history_dropped_records_total{kind="endpoint"}', { kind: "endpoint" }, 15),
  {
    alert: "SluiceUnknownOwners",
    fires: {
      'sluice_enricher_unknown_flows_total{instance="i1"}': "0+10x40",
      'sluice_enricher_flows_total{instance="i1", action="allow"}': "0+60x40",
      'sluice_enricher_flows_total{instance="i1", action="deny"}': "0+40x40",
    },
    labels: instance,
    minutes: 35,
    silent: {
      'sluice_enricher_unknown_flows_total{instance="i1"}': "0+2x40",
      'sluice_enricher_flows_total{instance="i1", action="allow"}': "0+100x40",
    },
  },
  {
    alert: "SluiceHeldBackLong",
    fires: {
      'sluice_enricher_held_back_seconds_total{instance="i1"}': "0+40x40",
      'sluice_enricher_held_back_batches_total{instance="i1"}': "0+10x40",
    },
    labels: instance,
    minutes: 30,
    silent: {
      'sluice_enricher_held_back_seconds_total{instance="i1"}': "0+10x40",
      'sluice_enricher_held_back_batches_total{instance="i1"}': "0+10x40",
    },
  },
  rises("SluiceUnreadableAddresses", 'sluice_enricher_unreadable_addresses_total{instance="i1"}', instance),
  {
    alert: "SluiceReaderBehind",
    fires: { 'sluice_bus_lag_seconds{group="g", topic="t", partition="0"}': "90x20" },
    labels: { group: "g", topic: "t" },
    minutes: 15,
    silent: { 'sluice_bus_lag_seconds{group="g", topic="t", partition="0"}': "20x20" },
  },
  {
    alert: "SluiceElasticsearchAway",
    fires: { 'sluice_elasticsearch_circuit_open{instance="i1"}': "1x20" },
    labels: instance,
    minutes: 7,
    silent: { 'sluice_elasticsearch_circuit_open{instance="i1"}': "1x3 0x20" },
  },
];

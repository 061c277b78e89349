import type { ChangeRecord } from "../../core/records/change.ts";
import type { RecordKind } from "../../core/records/codec.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { ProgramRecord } from "../../core/records/program.ts";
import { addressGroup } from "./address-columns.ts";
import { dnsTable } from "./dns-table.ts";
import { flowTable } from "./flow-table.ts";
import { group, measures, type Table, texts } from "./table.ts";

export interface RecordOf {
  flow: Flow;
  loss: Loss;
  heartbeat: Heartbeat;
  endpoint: EndpointTenure;
  program: ProgramRecord;
  change: ChangeRecord;
  dns: DnsRecord;
}

export const kinds = [
  ...(["flow", "loss", "heartbeat", "endpoint", "program", "change", "dns"] as const),
] as const satisfies readonly RecordKind[];

const numbered = ["node", "epoch", "seq"] as const;

const lossTable: Table<Loss> = {
  measures: [...measures<Loss>("BIGINT", "epoch", "seq", "count"), ...measures<Loss>("TIMESTAMP", "start", "end")],
  groups: [texts<Loss>("texts", "cluster", "node", "source", "detail")],
  order: ["start", ...numbered],
  id: numbered,
  time: "start",
  timeOf: (loss) => loss.start,
};

const heartbeatTable: Table<Heartbeat> = {
  measures: [
    ...measures<Heartbeat>("BIGINT", "epoch", "seq"),
    ...measures<Heartbeat>("TIMESTAMP", "start", "end"),
    ...measures<Heartbeat>("BIGINT", "flows", "losses", "conntrackEvents", "loggedPackets", "decodeFailures"),
    ...measures<Heartbeat>("BIGINT", "overruns", "dropped", "connections", "connectionsMax", "eventDrops", "logDrops"),
    ...measures<Heartbeat>("BIGINT", "tableDrops", "earlyDrops", "insertFailures", "searchRestarts", "clashes"),
  ],
  groups: [texts<Heartbeat>("texts", "cluster", "node")],
  order: ["start", ...numbered],
  id: numbered,
  time: "start",
  timeOf: (heartbeat) => heartbeat.start,
};

/** By when it was told: a tenure that ends is told again, weeks after it began. */
const endpointTable: Table<EndpointTenure> = {
  measures: measures<EndpointTenure>("TIMESTAMP", "start", "end", "toldAt"),
  groups: [
    addressGroup("address", (tenure) => tenure.address),
    texts<EndpointTenure>("texts", "cluster", "kind", "namespace", "name", "uid", "node", "workloadKind", "workload"),
    group<EndpointTenure, object>("labels", (tenure) => tenure.labels, {
      labels: ["VARCHAR", (labels) => JSON.stringify(labels)],
    }),
  ],
  order: ["start", "told_at", "address_low"],
  id: ["cluster", "address_high", "address_low", "name", "uid", "start", "told_at", "end"],
  time: "told_at",
  timeOf: (tenure) => tenure.toldAt,
};

const programTable: Table<ProgramRecord> = {
  measures: measures<ProgramRecord>("TIMESTAMP", "start"),
  groups: [
    texts<ProgramRecord>("texts", "cluster", "revision", "text"),
    group<ProgramRecord, object>("rules", (program) => program.rules, {
      rules: ["VARCHAR", (rules) => JSON.stringify(rules)],
    }),
  ],
  order: ["start", "revision"],
  id: ["cluster", "revision", "start"],
  time: "start",
  timeOf: (program) => program.start,
};

const changeTable: Table<ChangeRecord> = {
  measures: measures<ChangeRecord>("TIMESTAMP", "start", "foundAt", "end"),
  groups: [
    // Groups have an `id` of their own.
    group<ChangeRecord, string>("change", ({ id }) => id, { change_id: ["VARCHAR", (id) => id] }),
    texts<ChangeRecord>("names", "cluster", "node", "kind", "object", "summary", "outcome", "outcomeDetail"),
    group<ChangeRecord, object>("actor", (change) => change.actor, {
      actor: ["VARCHAR", (actor) => JSON.stringify(actor)],
    }),
    group<ChangeRecord, object>("diff", (change) => change.diff, {
      diff: ["VARCHAR", (diff) => JSON.stringify(diff)],
    }),
    group<ChangeRecord, object>("request", (change) => change.request, {
      request: ["VARCHAR", (request) => JSON.stringify(request)],
    }),
    group<ChangeRecord, object>("control", (change) => change.control, {
      control: ["VARCHAR", (control) => JSON.stringify(control)],
    }),
  ],
  order: ["start", "node", "change_id"],
  id: ["change_id"],
  later: ["request", "control"],
  time: "start",
  timeOf: (change) => change.start,
};

export const tables: { readonly [K in RecordKind]: Table<RecordOf[K]> } = {
  flow: flowTable,
  loss: lossTable,
  heartbeat: heartbeatTable,
  endpoint: endpointTable,
  program: programTable,
  change: changeTable,
  dns: dnsTable,
};

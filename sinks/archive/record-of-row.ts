import { DuckDBTimestampValue } from "@duckdb/node-api";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import type { Flow, FlowEndpoint, FlowService, Icmp, Nat, Related } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { ProgramRecord } from "../../core/records/program.ts";
import { addressOf } from "./address-columns.ts";
import type { Row } from "./database.ts";
import { snake } from "./table.ts";

// Rows as tables.ts makes them, back to the records they were made of.

/** Fields of a record that are columns, with the names of these. */
type Columns = readonly (readonly [field: string, column: string])[];

const columnsOf = (fields: readonly string[], prefix = ""): Columns =>
  fields.map((field) => [field, prefix + snake(field)]);

const id = ["cluster", "node", "epoch", "seq"];

const rawFields = columnsOf([
  ...[...id, "start", "end", "startedAt", "state", "connection", "zone", "protocol", "sourcePort", "destinationPort"],
  ...["packets", "bytes", "replyPackets", "replyBytes"],
  ...["totalPackets", "totalBytes", "totalReplyPackets", "totalReplyBytes", "replied"],
  ...["endReason", "midstream", "uncounted", "mark", "uid", "gid"],
  ...["denied", "reason", "egressRule", "ingressRule", "inInterface", "outInterface", "destinationDomain"],
]);
const enrichedFields = columnsOf([
  ...["reporter", "authoritative", "action", "mode", "verdictSource", "programRevision"],
]);
const endpointNames = ["kind", "namespace", "name", "uid", "workloadKind", "workload", "node"];
const endpointFields = {
  source: columnsOf(endpointNames, "source_"),
  destination: columnsOf(endpointNames, "destination_"),
  client: columnsOf(endpointNames, "client_"),
  server: columnsOf(endpointNames, "server_"),
};
const serviceFields = columnsOf(["namespace", "name", "port"], "service_");
const icmpFields = columnsOf(["type", "code", "id"], "icmp_");
const lossFields = columnsOf([...id, "source", "count", "start", "end", "detail"]);
const heartbeatFields = columnsOf([
  ...[...id, "start", "end", "flows", "losses", "conntrackEvents", "loggedPackets", "decodeFailures"],
  ...["overruns", "dropped", "connections", "connectionsMax", "eventDrops", "logDrops", "tableDrops", "earlyDrops"],
  ...["insertFailures", "searchRestarts", "clashes"],
]);
const tenureFields = columnsOf([
  ...["cluster", "kind", "namespace", "name", "uid", "node", "workloadKind", "workload"],
  ...["start", "end", "toldAt"],
]);
const changeFields = columnsOf([
  ...["cluster", "node", "kind", "start", "foundAt", "end", "object", "summary", "outcome", "outcomeDetail"],
]);
const dnsFields = columnsOf([
  ...[...id, "start", "end", "protocol", "clientPort", "serverPort", "name", "queryType", "queryClass", "rcode"],
  ...["truncated", "answerCount", "latency", "authoritative"],
]);
const programFields = columnsOf(["cluster", "revision", "start", "text"]);

export function flowOfRow(row: Row): Flow {
  const flow = {
    ...plain(row, rawFields),
    sourceAddress: address(row, "source_address"),
    destinationAddress: address(row, "destination_address"),
    icmp: icmpOf(row),
    nat: natOf(row),
    related: relatedOf(row),
    ...plain(row, enrichedFields),
    enforced: json(row, "enforced"),
    pending: json(row, "pending"),
    source: endpointOf(row, "source"),
    destination: endpointOf(row, "destination"),
    service: row["service_name"] === null ? null : (plain(row, serviceFields) as unknown as FlowService),
  };
  return flow as Flow;
}

export function lossOfRow(row: Row): Loss {
  return plain(row, lossFields) as unknown as Loss;
}

export function heartbeatOfRow(row: Row): Heartbeat {
  return plain(row, heartbeatFields) as unknown as Heartbeat;
}

export function tenureOfRow(row: Row): EndpointTenure {
  const known = plain(row, tenureFields);
  return { ...known, address: address(row, "address"), labels: json(row, "labels") } as unknown as EndpointTenure;
}

export function programOfRow(row: Row): ProgramRecord {
  const known = plain(row, programFields);
  return { ...known, rules: json(row, "rules") } as unknown as ProgramRecord;
}

export function changeOfRow(row: Row): ChangeRecord {
  const known = plain(row, changeFields);
  const parts = {
    actor: jsonIfAny(row, "actor"),
    request: jsonIfAny(row, "request"),
    control: jsonIfAny(row, "control"),
  };
  return { id: row["change_id"], ...known, ...parts, diff: json(row, "diff") } as unknown as ChangeRecord;
}

export function dnsOfRow(row: Row): DnsRecord {
  const record = {
    ...plain(row, dnsFields),
    clientAddress: address(row, "client_address"),
    serverAddress: address(row, "server_address"),
    answers: json(row, "answers"),
    client: endpointOf(row, "client"),
    server: endpointOf(row, "server"),
  };
  return record as unknown as DnsRecord;
}

function plain(row: Row, columns: Columns): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [field, column] of columns) record[field] = told(row[column]);
  return record;
}

function told(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return value instanceof DuckDBTimestampValue ? Number(value.micros) : value;
}

function icmpOf(row: Row): Icmp | null {
  return row["icmp_type"] === null ? null : (plain(row, icmpFields) as unknown as Icmp);
}

function natOf(row: Row): Nat | null {
  if (row["nat_source_port"] === null) return null;
  return {
    destinationAddress: address(row, "nat_destination_address"),
    destinationPort: Number(row["nat_destination_port"]),
    sourceAddress: address(row, "nat_source_address"),
    sourcePort: Number(row["nat_source_port"]),
  } as Nat;
}

function relatedOf(row: Row): Related | null {
  if (row["related_protocol"] === null) return null;
  return {
    protocol: Number(row["related_protocol"]),
    sourceAddress: address(row, "related_source_address"),
    sourcePort: Number(row["related_source_port"]),
    destinationAddress: address(row, "related_destination_address"),
    destinationPort: Number(row["related_destination_port"]),
  } as Related;
}

function endpointOf(row: Row, end: keyof typeof endpointFields): FlowEndpoint | null {
  if (row[`${end}_kind`] === null) return null;
  const names = plain(row, endpointFields[end]);
  return { ...names, labels: json(row, `${end}_labels`) } as unknown as FlowEndpoint;
}

function address(row: Row, column: string) {
  return addressOf(row[`${column}_high`] ?? null, row[`${column}_low`] ?? null);
}

function jsonIfAny(row: Row, column: string): unknown {
  return row[column] === null ? null : json(row, column);
}

function json(row: Row, column: string): unknown {
  return JSON.parse(String(row[column]));
}

import { policiesOf, tiersOf } from "../../core/filter/values.ts";
import type { Flow, FlowService, Icmp, Nat, Related } from "../../core/records/flow.ts";
import { addressGroup } from "./address-columns.ts";
import { endpointParts } from "./endpoint-columns.ts";
import { type Group, group, type Measure, measures, type Parts, snake, type Table } from "./table.ts";

const service: Parts<FlowService> = {
  service_namespace: ["VARCHAR", (part) => part.namespace],
  service_name: ["VARCHAR", (part) => part.name],
  service_port: ["VARCHAR", (part) => part.port],
};

function seen(flow: Flow): readonly [string, string, string | null, string | null] {
  return [flow.cluster, flow.node, flow.inInterface, flow.outInterface];
}

/** What became of the connection: few combinations. */
const outcome: readonly (keyof Flow & string)[] = [
  ...([
    "state",
    "endReason",
    "denied",
    "reason",
    "reporter",
    "action",
    "mode",
    "verdictSource",
    "programRevision",
  ] as const),
];

const outcomeGroup: Group<Flow> = {
  name: "outcome",
  columns: [
    ...outcome.map((name) => ({ name: snake(name), type: "VARCHAR" })),
    { name: "authoritative", type: "BOOLEAN" },
  ],
  keyOf: (flow) => [...outcome.map((name) => flow[name] as string | null), String(flow.authoritative)],
  valuesOf: (flow) => [...outcome.map((name) => flow[name] as string | null), flow.authoritative],
};

type Path = Pick<Flow, "enforced" | "pending" | "egressRule" | "ingressRule">;

/** `tiers` and `policies` are what valuesOf says of `enforced`, so that SQL and predicate cannot differ. Lists are JSON texts. */
const pathGroup: Group<Flow> = group<Flow, Path>(
  "path",
  pathOf,
  {
    egress_rule: ["VARCHAR", (path) => path.egressRule],
    ingress_rule: ["VARCHAR", (path) => path.ingressRule],
    enforced: ["VARCHAR", (path) => JSON.stringify(path.enforced)],
    pending: ["VARCHAR", (path) => JSON.stringify(path.pending)],
    tiers: ["VARCHAR", (path) => JSON.stringify(tiersOf(path.enforced))],
    policies: ["VARCHAR", (path) => JSON.stringify(policiesOf(path.enforced))],
  },
  { keyOf: keyOfPath },
);

function keyOfPath({ egressRule, ingressRule, enforced, pending }: Path): readonly (string | null)[] {
  return [egressRule, ingressRule, String(enforced.length), ...enforced, ...pending];
}

function pathOf({ enforced, pending, egressRule, ingressRule }: Flow): Path {
  return { enforced, pending, egressRule, ingressRule };
}

/** Measures of a part that not every flow has. */
function nested<P>(
  name: string,
  partOf: (flow: Flow) => P | null,
  ...keys: readonly (keyof P & string)[]
): readonly Measure<Flow>[] {
  return keys.map((key) => ({
    name: `${name}_${snake(key)}`,
    type: "INTEGER" as const,
    of: (flow: Flow) => (partOf(flow)?.[key] ?? null) as number | null,
  }));
}

/**
 * A segment is a row of slices, each a few minutes of the hour, so questions about time skip most row groups. Within a slice flows of one
 * pair stand together: names, labels and paths then cost next to nothing (measured: 59 bytes a flow by time alone, see docs/archive.md).
 * Denied ones, a few in a hundred and most asked for, have slices of their own before the others.
 */
export const flowTable: Table<Flow> = {
  measures: [
    ...measures<Flow>("BIGINT", "epoch", "seq"),
    ...measures<Flow>("TIMESTAMP", "start", "end", "startedAt"),
    ...measures<Flow>("BIGINT", "connection"),
    ...measures<Flow>("INTEGER", "zone", "protocol", "sourcePort", "destinationPort"),
    ...nested<Icmp>("icmp", (flow) => flow.icmp, "type", "code", "id"),
    ...nested<Nat>("nat", (flow) => flow.nat, "destinationPort", "sourcePort"),
    ...measures<Flow>("BIGINT", "packets", "bytes", "replyPackets", "replyBytes"),
    ...measures<Flow>("BIGINT", "totalPackets", "totalBytes", "totalReplyPackets", "totalReplyBytes"),
    ...measures<Flow>("BOOLEAN", "replied", "midstream", "uncounted"),
    ...measures<Flow>("BIGINT", "mark", "uid", "gid"),
    ...nested<Related>("related", (flow) => flow.related, "protocol", "sourcePort", "destinationPort"),
  ],
  groups: [
    addressGroup("source_address", (flow) => flow.sourceAddress),
    addressGroup("destination_address", (flow) => flow.destinationAddress),
    addressGroup("nat_destination_address", (flow) => flow.nat?.destinationAddress ?? null),
    addressGroup("nat_source_address", (flow) => flow.nat?.sourceAddress ?? null),
    addressGroup("related_source_address", (flow) => flow.related?.sourceAddress ?? null),
    addressGroup("related_destination_address", (flow) => flow.related?.destinationAddress ?? null),
    group(
      "seen",
      seen,
      {
        cluster: ["VARCHAR", (part) => part[0]],
        node: ["VARCHAR", (part) => part[1]],
        in_interface: ["VARCHAR", (part) => part[2]],
        out_interface: ["VARCHAR", (part) => part[3]],
      },
      { keyOf: (part) => part },
    ),
    outcomeGroup,
    group<Flow, string>("domain", (flow) => flow.destinationDomain, {
      destination_domain: ["VARCHAR", (domain) => domain],
    }),
    pathGroup,
    group("source", (flow) => flow.source, endpointParts("source"), { shared: true }),
    group("destination", (flow) => flow.destination, endpointParts("destination"), { shared: true }),
    group("service", (flow) => flow.service, service, {
      shared: true,
      keyOf: ({ namespace, name, port }) => [namespace, name, port],
    }),
  ],
  order: [
    ...["action", "destination_name", "source_name", "destination_port", "source_port"],
    ...["start", "node", "epoch", "seq"],
  ],
  apart: "action = 'deny'",
  id: ["node", "epoch", "seq"],
  time: "start",
  timeOf: (flow) => flow.start,
};

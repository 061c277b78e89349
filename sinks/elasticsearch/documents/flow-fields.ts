import { familyOf } from "../../../core/address.ts";
import { communityId } from "../../../core/community-id.ts";
import { decidersOf, policiesOf, protocolNames, tiersOf } from "../../../core/filter/values.ts";
import { connectionKey, partyOf } from "../../../core/records/connection.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { endpointFields, kindFields, numberedFields } from "./common-fields.ts";
import { type DocumentField, derived, type Form, stored } from "./field.ts";
import {
  countedIfAny,
  fewTexts,
  flag,
  list,
  number,
  numberAsText,
  remembered,
  text,
  time,
  truth,
  word,
} from "./forms.ts";
import { outcomeOf, typesOf } from "./verdict-words.ts";

const few = ["keyword", "few"] as const;
const cluster = ["keyword", "cluster"] as const;
const count = ["long", "unbounded"] as const;
const port = ["long", "unbounded"] as const;
const address = ["ip", "unbounded"] as const;
const moment = ["date_nanos", "unbounded"] as const;
const switched = ["boolean", "few"] as const;

/** Of protocols without ports the record has 0. */
const portIfAny: Form<number> = countedIfAny;

/** JSON texts of what a path through policies says, which many records share. */
const pathTexts = remembered((joined: string) => {
  const enforced = joined === "" ? [] : joined.split("\n");
  const written = (values: readonly string[]) => (values.length === 0 ? undefined : JSON.stringify(values));
  return {
    tiers: written(tiersOf(enforced)),
    deciders: written(decidersOf(enforced)),
    all: written(policiesOf(enforced)),
  };
});

let [lastPath, lastTexts]: [readonly string[] | undefined, ReturnType<typeof pathTexts>] = [undefined, pathTexts("")];

/** Asked several times of each record. */
function pathOf({ enforced }: Flow): ReturnType<typeof pathTexts> {
  if (enforced !== lastPath) [lastPath, lastTexts] = [enforced, pathTexts(enforced.join("\n"))];
  return lastTexts;
}

const related = "the connection that this one, or an ICMP error, belongs to";

/** Flows that are not aggregated: the whole record can be read back. */
export const flowFields: readonly DocumentField<Flow>[] = [
  ...kindFields<Flow>("flow", "event", ["network"]),
  ...numberedFields<Flow>(),
  stored("@timestamp", moment, "start", time, "Start of the time that the counts cover: the record's window."),
  stored("event.start", moment, "startedAt", time, "When the connection, or the first of these denials, began."),
  stored("event.end", moment, "end", time, "End of the time that the counts cover."),
  derived("event.duration", count, durationOf, "From event.start to event.end, nanoseconds."),
  stored("event.action", few, "action", word, "allow, deny, unknown."),
  derived("event.outcome", few, outcomeOf, "success (allow), failure (deny), unknown."),
  derived("event.type", few, typesOf, "connection; start, info or end; allowed or denied."),
  stored(
    "event.reason",
    few,
    "reason",
    fewTexts(),
    "Why the kernel denied other than by a rule: spoofed, unknown-endpoint, …",
  ),
  stored("network.iana_number", few, "protocol", numberAsText, "Protocol number."),
  derived("network.transport", few, ({ protocol }) => transports(protocol), "tcp, udp, sctp, icmp, icmpv6."),
  derived("network.type", few, typeOf, "ipv4, ipv6."),
  derived("network.direction", few, directionOf, "Of the reporting node's end: egress or ingress."),
  derived(
    "network.community_id",
    ["keyword", "unbounded"],
    communityText,
    "Community ID of the connection behind NAT.",
  ),
  derived("network.bytes", count, ({ bytes, replyBytes }) => String(bytes + replyBytes), "Both directions."),
  derived("network.packets", count, ({ packets, replyPackets }) => String(packets + replyPackets), "Both directions."),
  stored("source.ip", address, "sourceAddress", word, "Who opened the connection."),
  stored("source.port", port, "sourcePort", portIfAny, "Absent where the protocol has none."),
  stored("source.packets", count, "packets", number, "Source to destination, within the window."),
  stored("source.bytes", count, "bytes", number, "With IP headers."),
  stored("source.nat.ip", address, "nat.sourceAddress", word, "The source as the server saw it."),
  stored("source.nat.port", port, "nat.sourcePort", number, "The same of the port."),
  stored("destination.ip", address, "destinationAddress", word, "Who really answered, after DNAT."),
  stored("destination.port", ["long", "cluster"], "destinationPort", portIfAny, "After DNAT."),
  stored("destination.packets", count, "replyPackets", number, "Destination to source, within the window."),
  stored("destination.bytes", count, "replyBytes", number, "With IP headers."),
  stored(
    "destination.nat.ip",
    address,
    "nat.destinationAddress",
    word,
    "The destination as the client wrote it: a Service's.",
  ),
  stored("destination.nat.port", port, "nat.destinationPort", number, "The same of the port."),
  stored(
    "destination.domain",
    ["keyword", "unbounded"],
    "destinationDomain",
    text,
    "What the source had asked DNS for.",
  ),
  stored("observer.ingress.interface.name", cluster, "inInterface", fewTexts(), "Where the packets came in."),
  stored("observer.egress.interface.name", cluster, "outInterface", fewTexts(), "Where they went out."),
  stored("user.id", ["keyword", "cluster"], "uid", numberAsText, "User of the local process whose packet was denied."),
  stored("user.group.id", ["keyword", "cluster"], "gid", numberAsText, "Its group."),
  derived("rule.id", cluster, rulesOf, "Rules that decided, egress and ingress."),
  derived("rule.name", cluster, (flow) => pathOf(flow).deciders, "Policies that decided, as `kind:namespace/name`."),
  derived("rule.ruleset", cluster, (flow) => pathOf(flow).tiers, "Tiers of the policies that decided."),
  stored("sluice.state", few, "state", word, "open, closed, denied: at the window's end."),
  stored("sluice.end_reason", few, "endReason", word, "How a closed connection ended."),
  stored("sluice.replied", switched, "replied", truth, "Whether the destination has answered."),
  stored(
    "sluice.midstream",
    switched,
    "midstream",
    flag,
    "The kernel met the connection amid its packets. Absent: no.",
  ),
  stored("sluice.uncounted", switched, "uncounted", flag, "The kernel does not count it. Absent: no."),
  stored("sluice.connection", ["long", "unbounded"], "connection", number, "The kernel's id of the connection."),
  derived(
    "sluice.connection_key",
    ["long", "unbounded"],
    (flow) => String(connectionKey(flow)),
    "The same in all documents of one connection as one node sees it: to count connections by.",
  ),
  ...partyFields(),
  stored("sluice.zone", ["long", "few"], "zone", countedIfAny, "Conntrack zone. Absent: 0."),
  stored("sluice.mark", ["long", "few"], "mark", countedIfAny, "Mark of the connection. Absent: 0."),
  stored("sluice.reporter", few, "reporter", word, "Which end the reporting node is: src, dst, fwd, unknown."),
  stored("sluice.authoritative", switched, "authoritative", truth, "The one record of a connection to count."),
  stored("sluice.mode", few, "mode", word, "enforced, observed."),
  stored("sluice.verdict_source", few, "verdictSource", word, "Who says so: kernel, evaluated, unknown."),
  stored("sluice.denied", few, "denied", word, "Whose policy denied: egress or ingress."),
  stored("sluice.icmp.type", ["long", "few"], "icmp.type", number, "ICMP type."),
  stored("sluice.icmp.code", ["long", "few"], "icmp.code", number, "ICMP code."),
  stored("sluice.icmp.id", ["long", "unbounded"], "icmp.id", number, "ICMP id."),
  stored("sluice.total.packets", count, "totalPackets", number, "Source to destination, since the connection began."),
  stored("sluice.total.bytes", count, "totalBytes", number, "The same in bytes."),
  stored("sluice.total.reply_packets", count, "totalReplyPackets", number, "Destination to source, since it began."),
  stored("sluice.total.reply_bytes", count, "totalReplyBytes", number, "The same in bytes."),
  stored("sluice.related.iana_number", few, "related.protocol", numberAsText, `Protocol of ${related}.`),
  stored("sluice.related.source.ip", address, "related.sourceAddress", word, `Source of ${related}.`),
  stored("sluice.related.source.port", port, "related.sourcePort", number, "Its source port."),
  stored("sluice.related.destination.ip", address, "related.destinationAddress", word, "Its destination."),
  stored("sluice.related.destination.port", port, "related.destinationPort", number, "Its destination port."),
  stored("sluice.policy.egress_rule", cluster, "egressRule", word, "Rule that decided at the source."),
  stored("sluice.policy.ingress_rule", cluster, "ingressRule", word, "Rule that decided at the destination."),
  stored("sluice.policy.revision", cluster, "programRevision", fewTexts(), "The policies that were in force."),
  stored("sluice.policy.enforced", cluster, "enforced", list, "Steps `index|tier|kind:namespace/name|action|rule`."),
  stored("sluice.policy.pending", cluster, "pending", list, "The same if staged policies were enforced."),
  derived(
    "sluice.policy.names",
    cluster,
    (flow) => pathOf(flow).all,
    "Every policy on the path, in each way to write it.",
  ),
  ...endpointFields<Flow>("sluice.source", "source", "the source"),
  ...endpointFields<Flow>("sluice.destination", "destination", "the destination"),
  stored(
    "sluice.service.namespace",
    cluster,
    "service.namespace",
    fewTexts(),
    "Namespace of the Service that was addressed.",
  ),
  stored("sluice.service.name", cluster, "service.name", fewTexts(), "Its name."),
  stored("sluice.service.port", few, "service.port", fewTexts(), "Name of its port."),
  derived("sluice.flows.count", count, () => "1", "How many connections the document stands for; of a whole record 1."),
  derived(
    "sluice.flows.started",
    count,
    (flow) => digit(flow.startedAt >= flow.start),
    "How many of them began in it.",
  ),
  derived("sluice.flows.completed", count, (flow) => digit(flow.state !== "open"), "How many ended, or were denied."),
];

const digit = (value: boolean): string => (value ? "1" : "0");

const transports = remembered((protocol: number) => {
  const name = protocolNames.get(protocol);
  return name === undefined ? undefined : `"${name}"`;
});

/** A longer one than Elasticsearch can hold is none (292 years). */
function durationOf({ startedAt, end }: Flow): string | undefined {
  const us = end - startedAt;
  return us < 0 || us > 9.2e15 ? undefined : us === 0 ? "0" : `${us}000`;
}

function typeOf({ sourceAddress }: Flow): string {
  return familyOf(sourceAddress) === 4 ? '"ipv4"' : '"ipv6"';
}

function directionOf({ reporter }: Flow): string | undefined {
  if (reporter === "src") return '"egress"';
  return reporter === "dst" ? '"ingress"' : undefined;
}

function communityText(flow: Flow): string {
  return `"${communityId(flow)}"`;
}

function rulesOf({ egressRule, ingressRule }: Flow): string | undefined {
  if (egressRule === null || egressRule === ingressRule) return ingressRule === null ? undefined : `"${ingressRule}"`;
  return ingressRule === null ? `"${egressRule}"` : `["${egressRule}","${ingressRule}"]`;
}

/** Who talked to whom, in one field each: what pairs are summed by. */
function partyFields(): readonly DocumentField<Flow>[] {
  const what = "as `namespace/workload`, or what else is known of it.";
  return [
    derived(
      "sluice.pair.source",
      cluster,
      (flow) => JSON.stringify(partyOf(flow.source, flow.sourceAddress)),
      `The source ${what}`,
    ),
    derived(
      "sluice.pair.destination",
      cluster,
      (flow) => JSON.stringify(partyOf(flow.destination, flow.destinationAddress)),
      `The destination ${what}`,
    ),
  ];
}

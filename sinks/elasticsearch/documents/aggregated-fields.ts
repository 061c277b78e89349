import { familyOf } from "../../../core/address.ts";
import { decidersOf, policiesOf, protocolNames, tiersOf } from "../../../core/filter/values.ts";
import type { AggregatedEnd, AggregatedFlow } from "../aggregation.ts";
import { kindFields, numberedFields } from "./common-fields.ts";
import { type DocumentField, derived, type ElasticType } from "./field.ts";
import { flowFields } from "./flow-fields.ts";
import { timeText } from "./forms.ts";
import { outcomeOf } from "./verdict-words.ts";

type Write = (flow: AggregatedFlow) => string | undefined;

const kinds = new Map(
  flowFields.map(({ name, type, cardinality, description }) => [name, { type, cardinality, description }]),
);

/** As a whole flow has it, of as many as were merged. */
function like(name: string, write: Write): DocumentField<AggregatedFlow> {
  const known = kinds.get(name);
  if (known === undefined) throw new Error(`no document of a flow has ${name}`);
  return { name, ...known, write };
}

const own = (name: string, type: ElasticType, write: Write, description: string) =>
  derived(name, [type, type === "keyword" ? "cluster" : "few"], write, description);

const word = (value: string | null): string | undefined => (value === null ? undefined : `"${value}"`);
const text = (value: string | null): string | undefined => (value === null ? undefined : JSON.stringify(value));
const number = (value: number | null): string | undefined => (value === null ? undefined : String(value));
const all = (values: readonly unknown[]): string | undefined =>
  values.length === 0 ? undefined : JSON.stringify(values);

/** Flows of one window, merged: the same fields, without those that the level lost, and sums. */
export const aggregatedFields: readonly DocumentField<AggregatedFlow>[] = [
  ...kindFields<AggregatedFlow>("flow", "event", ["network"]),
  ...numberedFields<AggregatedFlow>().map(({ stored: _, ...field }) => field),
  like("@timestamp", ({ start }) => `"${timeText(start)}"`),
  like("event.end", ({ end }) => `"${timeText(end)}"`),
  like("event.action", ({ action }) => word(action)),
  like("event.outcome", outcomeOf),
  like("event.type", ({ action }) =>
    all(["connection", "info", ...(action === "unknown" ? [] : [action === "allow" ? "allowed" : "denied"])]),
  ),
  like("event.reason", ({ reason }) => text(reason)),
  like("network.iana_number", ({ protocol }) => `"${protocol}"`),
  like("network.transport", ({ protocol }) => word(protocolNames.get(protocol) ?? null)),
  like("network.type", ({ source }) => (source.address === null ? undefined : `"ipv${familyOf(source.address)}"`)),
  like("network.direction", ({ reporter }) =>
    reporter === "src" ? '"egress"' : reporter === "dst" ? '"ingress"' : undefined,
  ),
  like("network.bytes", ({ bytes, replyBytes }) => String(bytes + replyBytes)),
  like("network.packets", ({ packets, replyPackets }) => String(packets + replyPackets)),
  like("source.ip", ({ source }) => word(source.address)),
  like("source.port", ({ source }) => number(source.port)),
  like("source.packets", ({ packets }) => String(packets)),
  like("source.bytes", ({ bytes }) => String(bytes)),
  like("source.nat.port", ({ natSourcePorts }) => all(natSourcePorts)),
  like("destination.ip", ({ destination }) => word(destination.address)),
  like("destination.port", ({ destination }) => number(destination.port)),
  like("destination.packets", ({ replyPackets }) => String(replyPackets)),
  like("destination.bytes", ({ replyBytes }) => String(replyBytes)),
  like("destination.domain", ({ destinationDomains }) => all(destinationDomains)),
  like("rule.name", ({ enforced }) => all(decidersOf(enforced))),
  like("rule.ruleset", ({ enforced }) => all(tiersOf(enforced))),
  like("sluice.end_reason", ({ endReasons }) => all(endReasons)),
  like("sluice.reporter", ({ reporter }) => word(reporter)),
  like("sluice.authoritative", ({ authoritative }) => String(authoritative)),
  like("sluice.mode", ({ mode }) => word(mode)),
  like("sluice.verdict_source", ({ verdictSource }) => word(verdictSource)),
  like("sluice.denied", ({ denied }) => word(denied)),
  like("sluice.icmp.type", ({ icmp }) => number(icmp?.type ?? null)),
  like("sluice.icmp.code", ({ icmp }) => number(icmp?.code ?? null)),
  like("sluice.policy.enforced", ({ enforced }) => all(enforced)),
  like("sluice.policy.pending", ({ pending }) => all(pending)),
  like("sluice.policy.names", (flow) => all(policiesOf(flow.enforced))),
  ...endFields("source"),
  ...endFields("destination"),
  like("sluice.service.namespace", ({ service }) => text(service?.namespace ?? null)),
  like("sluice.service.name", ({ service }) => text(service?.name ?? null)),
  like("sluice.service.port", ({ service }) => text(service?.port ?? null)),
  like("sluice.flows.count", ({ flows }) => String(flows)),
  like("sluice.flows.started", ({ flowsStarted }) => String(flowsStarted)),
  like("sluice.flows.completed", ({ flowsCompleted }) => String(flowsCompleted)),
  own("sluice.flows.level", "long", ({ level }) => String(level), "How far flows were merged, 1 to 3. Absent: not."),
];

function endFields(side: "source" | "destination"): readonly DocumentField<AggregatedFlow>[] {
  const at = (part: keyof AggregatedEnd & ("kind" | "namespace" | "name")) =>
    like(`sluice.${side}.${part}`, (flow) => text(flow[side][part]));
  return [
    ...[at("kind"), at("namespace"), at("name")],
    own(
      `sluice.${side}.name_aggregated`,
      "keyword",
      (flow) => text(flow[side].nameAggregated),
      "What is left of the name of an end that was merged: `web-6c7d8f9b5c-*`, pvt, pub.",
    ),
    like(`sluice.${side}.labels`, (flow) => {
      const written = JSON.stringify(flow[side].labels);
      return written === "{}" ? undefined : written;
    }),
  ];
}

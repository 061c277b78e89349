import type { Flow, FlowEndpoint } from "../records/flow.ts";
import type { FieldName } from "./fields.ts";

// What a field of fields.ts means on a record, said once: the in-memory predicate asks it, and the archive stores from it
// what its SQL asks. A field has no, one or several values; each stands in the result once.

export type FieldValue = string | number | boolean;

/** Values of a field; of fields of type labels those of the label `key`. Times in microseconds, addresses as canonical text. */
export function valuesOf(flow: Flow, field: FieldName, key: string | null = null): readonly FieldValue[] {
  switch (field) {
    case "time":
      return [flow.start];
    case "verdict":
      return [flow.action];
    case "reason":
      return present(flow.reason);
    case "reporter":
      return [flow.reporter];
    case "authoritative":
      return [flow.authoritative];
    case "state":
      return [flow.state];
    case "end":
      return present(flow.endReason);
    case "replied":
      return [flow.replied];
    case "mode":
      return [flow.mode];
    case "verdict.source":
      return [flow.verdictSource];
    case "cluster":
      return [flow.cluster];
    case "node":
      return [flow.node];
    case "protocol":
      return protocolTexts(flow.protocol);
    case "src.ip":
      return [flow.sourceAddress];
    case "src.port":
      return portsOf(flow, flow.sourcePort);
    case "src.kind":
    case "src.ns":
    case "src.pod":
    case "src.workload":
    case "src.node":
      return present(partOf(flow.source, field.slice(4) as EndPart));
    case "src.labels":
      return labelsOf(key, flow.source);
    case "dst.ip":
      return [flow.destinationAddress];
    case "dst.port":
      return portsOf(flow, flow.destinationPort);
    case "dst.kind":
    case "dst.ns":
    case "dst.pod":
    case "dst.workload":
    case "dst.node":
      return present(partOf(flow.destination, field.slice(4) as EndPart));
    case "dst.labels":
      return labelsOf(key, flow.destination);
    case "dst.domain":
      return present(flow.destinationDomain);
    case "ip":
      return present(flow.sourceAddress, flow.destinationAddress, flow.nat?.destinationAddress);
    case "port":
      return portsOf(flow, flow.sourcePort, flow.destinationPort);
    case "ns":
    case "pod":
    case "workload":
      return present(partOf(flow.source, field), partOf(flow.destination, field));
    case "labels":
      return labelsOf(key, flow.source, flow.destination);
    case "service":
      return flow.service === null ? [] : [flow.service.name, `${flow.service.namespace}/${flow.service.name}`];
    case "tier":
      return tiersOf(flow.enforced);
    case "policy":
      return policiesOf(flow.enforced);
    case "policy.revision":
      return present(flow.programRevision);
    case "bytes":
      return [flow.bytes + flow.replyBytes];
    case "packets":
      return [flow.packets + flow.replyPackets];
  }
}

/** Tier of the step that decided in each direction. A namespace's profile decides outside of tiers. */
export function tiersOf(enforced: readonly string[]): readonly string[] {
  return present(...decisions(enforced).map(({ kind, tier }) => (kind === profile ? null : tier)));
}

/** The policy that decided in each direction, as `kind:namespace/name`. */
export function decidersOf(enforced: readonly string[]): readonly string[] {
  return present(...decisions(enforced).map(({ kind, path }) => `${kind}:${path}`));
}

/** The last step of each direction. */
function decisions(enforced: readonly string[]): readonly Step[] {
  const steps = enforced.flatMap((text) => stepOf(text) ?? []);
  return steps.filter((_, at) => at === steps.length - 1 || steps[at + 1]?.index === 0);
}

/** Every policy on the path, each as `name`, `namespace/name` (or `name`) and `kind:namespace/name`. */
export function policiesOf(enforced: readonly string[]): readonly string[] {
  const steps = enforced.flatMap((text) => stepOf(text) ?? []);
  return present(...steps.flatMap(({ kind, path }) => [path.slice(path.indexOf("/") + 1), path, `${kind}:${path}`]));
}

/** Protocols that are known by name, and by number. IANA "Assigned Internet Protocol Numbers". */
export const protocolNames: ReadonlyMap<number, string> = new Map([
  [1, "icmp"],
  [6, "tcp"],
  [17, "udp"],
  [58, "icmpv6"],
  [132, "sctp"],
]);

/** TCP, UDP, DCCP, SCTP and UDP-Lite; of others the record's ports are 0 and mean nothing. */
export const protocolsWithPorts: readonly number[] = [6, 17, 33, 132, 136];

/** The name if it has one, and the number. */
function protocolTexts(protocol: number): readonly string[] {
  return present(protocolNames.get(protocol), String(protocol));
}

function portsOf(flow: Flow, ...ports: readonly number[]): readonly number[] {
  return protocolsWithPorts.includes(flow.protocol) ? present(...ports) : [];
}

type EndPart = "kind" | "ns" | "pod" | "workload" | "node";

function partOf(end: FlowEndpoint | null, part: EndPart): string | null {
  if (end === null) return null;
  switch (part) {
    case "kind":
      return end.kind;
    case "ns":
      return end.namespace;
    case "pod":
      return end.name;
    case "workload":
      return end.workload;
    case "node":
      return end.node;
  }
}

function labelsOf(key: string | null, ...ends: readonly (FlowEndpoint | null)[]): readonly string[] {
  if (key === null) return [];
  return present(...ends.map((end) => (end !== null && Object.hasOwn(end.labels, key) ? end.labels[key] : null)));
}

/** The kind of steps that a namespace's profile made: what holds where no policy applies. */
const profile = "pro";

interface Step {
  readonly index: number;
  readonly tier: string;
  readonly kind: string;
  /** `namespace/name` or `name`. */
  readonly path: string;
}

/** step => index "|" tier "|" kind ":" [namespace "/"] name "|" action "|" rule. Other texts are passed over. */
function stepOf(text: string): Step | undefined {
  const [, index, tier, kind, path] = /^(\d+)\|([^|]*)\|([^|:]*):([^|]*)\|[^|]*\|[^|]*$/.exec(text) ?? [];
  if (index === undefined || tier === undefined || kind === undefined || path === undefined) return undefined;
  return { index: Number(index), tier, kind, path };
}

function present<T>(...values: readonly (T | null | undefined)[]): T[] {
  return [...new Set(values.filter((value): value is T => value !== null && value !== undefined))];
}

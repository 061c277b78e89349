import { endReasons } from "../records/flow.ts";

/** How values of a field compare: address fields also with CIDRs, text also with patterns, labels by key. */
export type FieldType = "text" | "number" | "address" | "time" | "boolean" | "labels";

export interface Field {
  readonly type: FieldType;
  readonly description: string;
  /** Other names people know it by (hubble, Calico). */
  readonly aliases?: readonly string[];
  /** All values it can have, where they are few. */
  readonly values?: readonly string[];
}

/** Every field that can be asked for, by name. docs/reference/fields.md is generated from it. */
export const fields = {
  time: { type: "time", description: "Start of the record's window." },
  verdict: {
    type: "text",
    description: "What became of the connection.",
    values: ["allow", "deny", "unknown"],
    aliases: ["action"],
  },
  reason: {
    type: "text",
    description: "Why the kernel denied other than by a rule: spoofed, unknown-endpoint, invalid, revoked.",
  },
  reporter: { type: "text", description: "Which end the reporting node is.", values: ["src", "dst", "fwd", "unknown"] },
  authoritative: { type: "boolean", description: "The one record of a connection to count." },
  state: { type: "text", description: "Of the connection at the window's end.", values: ["open", "closed", "denied"] },
  end: {
    type: "text",
    description: "How a closed connection ended: [docs/collector.md](../collector.md) says what each means.",
    values: endReasons,
    aliases: ["end_reason"],
  },
  replied: { type: "boolean", description: "Whether the destination has answered." },
  mode: { type: "text", description: "Whether the node enforces or only observes.", values: ["enforced", "observed"] },
  "verdict.source": { type: "text", description: "Who says so.", values: ["kernel", "evaluated", "unknown"] },
  cluster: { type: "text", description: "Name of the cluster." },
  node: { type: "text", description: "The reporting node." },
  protocol: { type: "text", description: "tcp, udp, sctp, icmp, icmpv6 or a number.", aliases: ["proto"] },
  "src.ip": { type: "address", description: "Source address." },
  "src.port": { type: "number", description: "Source port." },
  "src.kind": {
    type: "text",
    description: "What the source is.",
    values: ["pod", "node", "host", "network", "unknown"],
  },
  "src.ns": { type: "text", description: "Namespace of the source.", aliases: ["src.namespace"] },
  "src.pod": { type: "text", description: "Name of the source pod (or node).", aliases: ["src.name"] },
  "src.workload": { type: "text", description: "Name of the source's workload." },
  "src.node": { type: "text", description: "Node of the source." },
  "src.labels": { type: "labels", description: "Labels of the source: src.labels.app = web.", aliases: ["src.label"] },
  "dst.ip": { type: "address", description: "Destination address, after translation." },
  "dst.port": { type: "number", description: "Destination port, after translation." },
  "dst.kind": {
    type: "text",
    description: "What the destination is.",
    values: ["pod", "node", "host", "network", "unknown"],
  },
  "dst.ns": { type: "text", description: "Namespace of the destination.", aliases: ["dst.namespace"] },
  "dst.pod": { type: "text", description: "Name of the destination pod (or node).", aliases: ["dst.name"] },
  "dst.workload": { type: "text", description: "Name of the destination's workload." },
  "dst.node": { type: "text", description: "Node of the destination." },
  "dst.labels": { type: "labels", description: "Labels of the destination.", aliases: ["dst.label"] },
  "dst.domain": {
    type: "text",
    description: "The name that the source had asked DNS for; where dns.enabled is on.",
    aliases: ["domain"],
  },
  ip: { type: "address", description: "Either end's address, or the Service's." },
  port: { type: "number", description: "Either end's port." },
  ns: { type: "text", description: "Either end's namespace.", aliases: ["namespace"] },
  pod: { type: "text", description: "Either end's pod." },
  workload: { type: "text", description: "Either end's workload." },
  labels: { type: "labels", description: "Either end's labels.", aliases: ["label"] },
  service: { type: "text", description: "The Service the client addressed, as name or namespace/name." },
  tier: { type: "text", description: "Tier of the deciding policy of either end." },
  policy: { type: "text", description: "Any policy on the path, as name, namespace/name or kind:namespace/name." },
  "policy.revision": { type: "text", description: "The program in force." },
  bytes: { type: "number", description: "Both directions, within the window." },
  packets: { type: "number", description: "Both directions, within the window." },
} as const satisfies Readonly<Record<string, Field>>;

export type FieldName = keyof typeof fields;

import type { FieldName } from "../../core/filter/fields.ts";

/** Where the values of a field stand in documents (documents/flow-fields.ts); `valuesOf` of core/filter/values.ts says the same of a record. */
export type Place =
  | { readonly at: "text" | "number" | "boolean" | "address" | "labels"; readonly of: readonly string[] }
  | { readonly at: "time"; readonly of: string }
  /** Absent where it is 0; means something only with the protocols that have ports. */
  | { readonly at: "port"; readonly of: readonly string[] }
  /** A name, and `namespace/name`. */
  | { readonly at: "service"; readonly namespace: string; readonly name: string };

const text = (...of: readonly string[]): Place => ({ at: "text", of });

export const protocolNumber = "network.iana_number";

export const places: Readonly<Record<FieldName, Place>> = {
  time: { at: "time", of: "@timestamp" },
  verdict: text("event.action"),
  reason: text("event.reason"),
  reporter: text("sluice.reporter"),
  authoritative: { at: "boolean", of: ["sluice.authoritative"] },
  state: text("sluice.state"),
  end: text("sluice.end_reason"),
  replied: { at: "boolean", of: ["sluice.replied"] },
  mode: text("sluice.mode"),
  "verdict.source": text("sluice.verdict_source"),
  cluster: text("orchestrator.cluster.name"),
  node: text("observer.name"),
  protocol: text("network.transport", protocolNumber),
  "src.ip": { at: "address", of: ["source.ip"] },
  "src.port": { at: "port", of: ["source.port"] },
  "src.kind": text("sluice.source.kind"),
  "src.ns": text("sluice.source.namespace"),
  "src.pod": text("sluice.source.name"),
  "src.workload": text("sluice.source.workload.name"),
  "src.node": text("sluice.source.node"),
  "src.labels": { at: "labels", of: ["sluice.source.labels"] },
  "dst.ip": { at: "address", of: ["destination.ip"] },
  "dst.port": { at: "port", of: ["destination.port"] },
  "dst.kind": text("sluice.destination.kind"),
  "dst.ns": text("sluice.destination.namespace"),
  "dst.pod": text("sluice.destination.name"),
  "dst.workload": text("sluice.destination.workload.name"),
  "dst.node": text("sluice.destination.node"),
  "dst.labels": { at: "labels", of: ["sluice.destination.labels"] },
  "dst.domain": text("destination.domain"),
  ip: { at: "address", of: ["source.ip", "destination.ip", "destination.nat.ip"] },
  port: { at: "port", of: ["source.port", "destination.port"] },
  ns: text("sluice.source.namespace", "sluice.destination.namespace"),
  pod: text("sluice.source.name", "sluice.destination.name"),
  workload: text("sluice.source.workload.name", "sluice.destination.workload.name"),
  labels: { at: "labels", of: ["sluice.source.labels", "sluice.destination.labels"] },
  service: { at: "service", namespace: "sluice.service.namespace", name: "sluice.service.name" },
  tier: text("rule.ruleset"),
  policy: text("sluice.policy.names"),
  "policy.revision": text("sluice.policy.revision"),
  bytes: { at: "number", of: ["network.bytes"] },
  packets: { at: "number", of: ["network.packets"] },
};

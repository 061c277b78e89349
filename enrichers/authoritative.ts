import type { Flow, FlowEndpoint, RawFlow } from "../core/records/flow.ts";

export type Reporter = "src" | "dst" | "fwd";

/** Whether the endpoint is on the node that reports, or is that node. */
export function isLocal(endpoint: FlowEndpoint, node: string): boolean {
  return (endpoint.kind === "pod" || endpoint.kind === "node") && endpoint.node === node;
}

/**
 * Which end of the connection the reporting node is: the destination's, else the source's, else it only passes packets on.
 * Where the kernel says whose policy denied, that decides: egress is denied at the source's node and ingress at the destination's,
 * also if nobody is known to own the address (a spoofed source).
 */
export function reporterOf(flow: RawFlow, source: FlowEndpoint, destination: FlowEndpoint): Reporter {
  if (flow.denied !== null) return flow.denied === "egress" ? "src" : "dst";
  if (isLocal(destination, flow.node)) return "dst";
  return isLocal(source, flow.node) ? "src" : "fwd";
}

/**
 * Whether this record, of all that nodes make of the connection, is the one to count. The destination's node has the last
 * word; where there is none that could speak (the packet was denied before, or goes to no pod or node of the cluster) the source's.
 */
export function isAuthoritative(flow: RawFlow, reporter: Flow["reporter"], destination: FlowEndpoint): boolean {
  const managed = destination.kind === "pod" || destination.kind === "node";
  switch (reporter) {
    case "dst":
      return true;
    case "src":
      return flow.state === "denied" || !managed;
    case "fwd":
    case "unknown":
      return false;
  }
}

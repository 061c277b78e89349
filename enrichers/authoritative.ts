import type { Flow, FlowEndpoint, RawFlow } from "../core/records/flow.ts";

export interface Ends {
  readonly source: FlowEndpoint;
  readonly destination: FlowEndpoint;
}

export type Reporter = "src" | "dst" | "fwd";

/** Whether the endpoint is on the node that reports, or is that node. */
export function isLocal(endpoint: FlowEndpoint, node: string): boolean {
  return isManaged(endpoint) && endpoint.node === node;
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
 * Whether this record, of all that nodes make of the connection, is the one to count: that of the last node with a policy to
 * decide by. That is the destination pod's node; where there is none that could speak (the packet was denied before, or goes
 * out of the cluster) the source's. A node without host endpoint has no policies of its own, so of a pod's connection to it the
 * pod's node tells more.
 */
export function isAuthoritative(flow: RawFlow, reporter: Flow["reporter"], { source, destination }: Ends): boolean {
  const podToNode = source.kind === "pod" && destination.kind === "node" && !sameNode(source, destination);
  switch (reporter) {
    case "dst":
      return flow.state === "denied" || !podToNode;
    case "src":
      return flow.state === "denied" || podToNode || !isManaged(destination);
    case "fwd":
    case "unknown":
      return false;
  }
}

/** Whether it is of the cluster and known, so that it has a node. */
export function isManaged({ kind }: FlowEndpoint): boolean {
  return kind === "pod" || kind === "node" || kind === "host";
}

function sameNode(a: FlowEndpoint, b: FlowEndpoint): boolean {
  return a.node !== null && a.node === b.node;
}

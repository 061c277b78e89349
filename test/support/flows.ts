import { parseAddress } from "../../core/address.ts";
import { type Flow, type FlowEndpoint, type RawFlow, unenriched, unremarkable } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";

/** Where all times of the builders count from: 2023-11-14T22:13:20Z, the start of FakeClock, in microseconds. */
const epochUs = 1_700_000_000_000_000;
export const seconds = (count: number) => epochUs + count * 1_000_000;

/** A TCP connection from 10.1.0.5 to 10.2.0.7:8080 seen by node-1 in its first second. */
export function rawFlow(parts: Partial<RawFlow> = {}): RawFlow {
  return {
    cluster: "lab",
    node: "node-1",
    epoch: 1_700_000_000_000,
    seq: 0,
    start: seconds(0),
    end: seconds(1),
    startedAt: seconds(0),
    state: "open",
    connection: 1,
    zone: 0,
    protocol: 6,
    sourceAddress: parseAddress("10.1.0.5"),
    sourcePort: 40000,
    destinationAddress: parseAddress("10.2.0.7"),
    destinationPort: 8080,
    icmp: null,
    nat: null,
    packets: 6,
    bytes: 640,
    replyPackets: 5,
    replyBytes: 1860,
    totalPackets: 6,
    totalBytes: 640,
    totalReplyPackets: 5,
    totalReplyBytes: 1860,
    replied: true,
    ...unremarkable,
    denied: null,
    reason: null,
    egressRule: null,
    ingressRule: null,
    inInterface: null,
    outInterface: null,
    ...parts,
  };
}

/** A connection attempt that a policy denied. */
export function rawDenial(denied: "egress" | "ingress", parts: Partial<RawFlow> = {}): RawFlow {
  const nothing = { replyPackets: 0, replyBytes: 0, totalReplyPackets: 0, totalReplyBytes: 0, replied: false };
  const one = { packets: 1, bytes: 60, totalPackets: 1, totalBytes: 60, connection: null };
  return rawFlow({ state: "denied", denied, ...nothing, ...one, ...parts });
}

/** A RawFlow as enriched: authoritative and allowed by the kernel unless said otherwise. */
export function flow(parts: Partial<Flow> = {}): Flow {
  const denied = parts.state === "denied";
  return {
    ...unenriched,
    ...(denied ? rawDenial(parts.denied ?? "ingress") : rawFlow()),
    reporter: "dst",
    authoritative: true,
    action: denied ? "deny" : "allow",
    mode: "enforced",
    verdictSource: "kernel",
    programRevision: "0123456789abcdef",
    source: pod("dev-shop/web-1", { app: "web", env: "dev" }),
    destination: pod("prod-shop/api-0", { app: "api", env: "prod" }),
    ...parts,
  };
}

const nobody = { namespace: null, name: null, uid: null, workloadKind: null, workload: null, node: null, labels: {} };
export const network: FlowEndpoint = { kind: "network", ...nobody };
export const unknown: FlowEndpoint = { kind: "unknown", ...nobody };

/** Pod `namespace/name` of Deployment `name` without its last part. */
export function pod(path: string, labels: Readonly<Record<string, string>> = {}, node = "node-1"): FlowEndpoint {
  const [namespace, name] = path.split("/") as [string, string];
  const workload = name.replace(/-[^-]*$/, "");
  return { kind: "pod", namespace, name, uid: `uid-${name}`, workloadKind: "Deployment", workload, node, labels };
}

export function nodeEndpoint(name: string): FlowEndpoint {
  return { ...nobody, kind: "node", name, node: name };
}

export function loss(parts: Partial<Loss> = {}): Loss {
  const id = { cluster: "lab", node: "node-1", epoch: 1_700_000_000_000, seq: 0 };
  return { ...id, source: "conntrack", count: null, start: seconds(0), end: seconds(1), detail: "", ...parts };
}

import type { Address } from "../address.ts";
import type { RuleId } from "../rule-id.ts";

/** What a collector knows of one window of one connection, or of one repeated denial. Fields as in flow.avsc. */
export interface RawFlow {
  readonly cluster: string;
  readonly node: string;
  /** Start of the collector's run, milliseconds. */
  readonly epoch: number;
  readonly seq: number;
  /** Microseconds since the epoch, as all times here. */
  readonly start: number;
  readonly end: number;
  readonly startedAt: number;
  readonly state: "open" | "closed" | "denied";
  readonly connection: number | null;
  readonly zone: number;
  readonly protocol: number;
  readonly sourceAddress: Address;
  readonly sourcePort: number;
  /** After DNAT. */
  readonly destinationAddress: Address;
  readonly destinationPort: number;
  readonly icmp: Icmp | null;
  readonly nat: Nat | null;
  readonly packets: number;
  readonly bytes: number;
  readonly replyPackets: number;
  readonly replyBytes: number;
  readonly totalPackets: number;
  readonly totalBytes: number;
  readonly totalReplyPackets: number;
  readonly totalReplyBytes: number;
  readonly replied: boolean;
  /** Null while it is open, and of denials. */
  readonly endReason: EndReason | null;
  readonly midstream: boolean;
  readonly uncounted: boolean;
  readonly mark: number;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly related: Related | null;
  readonly denied: Direction | null;
  readonly reason: string | null;
  readonly egressRule: RuleId | null;
  readonly ingressRule: RuleId | null;
  readonly inInterface: string | null;
  readonly outInterface: string | null;
  /** The name for which the source had asked its DNS server before; null where DNS is not collected. */
  readonly destinationDomain: string | null;
}

/** A RawFlow with what enrichers add. */
export interface Flow extends RawFlow {
  readonly reporter: "unknown" | "src" | "dst" | "fwd";
  readonly authoritative: boolean;
  readonly action: "unknown" | "allow" | "deny";
  readonly mode: "observed" | "enforced";
  readonly verdictSource: "unknown" | "evaluated" | "kernel";
  readonly programRevision: string | null;
  readonly enforced: readonly string[];
  readonly pending: readonly string[];
  readonly source: FlowEndpoint | null;
  readonly destination: FlowEndpoint | null;
  readonly service: FlowService | null;
}

export const endReasons = [
  ...(["unseen", "finished", "reset", "refused", "unanswered", "halfOpen", "timedOut", "expired"] as const),
  ...(["removed", "deleted"] as const),
] as const;
/** How a connection ended; flow.avsc says what each means. */
export type EndReason = (typeof endReasons)[number];

export type Direction = "egress" | "ingress";

export interface Icmp {
  readonly type: number;
  readonly code: number;
  readonly id: number;
}

export interface Nat {
  readonly destinationAddress: Address;
  readonly destinationPort: number;
  readonly sourceAddress: Address;
  readonly sourcePort: number;
}

/** The connection that another one, or an ICMP error, belongs to. */
export interface Related {
  readonly protocol: number;
  readonly sourceAddress: Address;
  readonly sourcePort: number;
  readonly destinationAddress: Address;
  readonly destinationPort: number;
}

export interface FlowEndpoint {
  readonly kind: "unknown" | "pod" | "node" | "network" | "host";
  readonly namespace: string | null;
  readonly name: string | null;
  readonly uid: string | null;
  readonly workloadKind: string | null;
  readonly workload: string | null;
  readonly node: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface FlowService {
  readonly namespace: string;
  readonly name: string;
  readonly port: string | null;
}

/** What is out of the ordinary, where nothing is. */
export const unremarkable = {
  endReason: null,
  midstream: false,
  uncounted: false,
  mark: 0,
  uid: null,
  gid: null,
  related: null,
  destinationDomain: null,
} as const satisfies Partial<RawFlow>;

/** What enrichment adds, before it has run. */
export const unenriched = {
  reporter: "unknown",
  authoritative: false,
  action: "unknown",
  mode: "observed",
  verdictSource: "unknown",
  programRevision: null,
  enforced: [],
  pending: [],
  source: null,
  destination: null,
  service: null,
} as const satisfies Omit<Flow, keyof RawFlow>;

import type { Address } from "../core/address.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { EndpointId } from "./placement.ts";
import type { Direction } from "./program.ts";

/** The first packet of a connection, after DNAT, as policy sees it. */
export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly icmp: { readonly type: number; readonly code: number } | null;
}

/** What the policies of both ends make of a packet. */
export interface Verdict {
  readonly action: "allow" | "deny";
  /** The source's way through its egress policies; null if the source is not subject to any. */
  readonly egress: Path | null;
  /** The destination's way through its ingress policies; null if it is not subject to any, or egress denied already. */
  readonly ingress: Path | null;
  /** Why policy was not asked: a pod to itself, or a node to a pod that runs on it. */
  readonly exempt: "self" | "own-node" | null;
}

export interface Path {
  readonly endpoint: EndpointId;
  readonly direction: Direction;
  readonly action: "allow" | "deny";
  /** The deciding rule: the last step. */
  readonly rule: RuleId;
  /** Every rule that took part, in order: those that passed or logged, then the one that decided. */
  readonly steps: readonly Step[];
}

export interface Step {
  readonly rule: RuleId;
  readonly action: "allow" | "deny" | "pass" | "log";
}

/** Decides packets for one Program and Placement; made by `evaluatorOf` in evaluate.ts. */
export type Evaluate = (packet: Packet) => Verdict;

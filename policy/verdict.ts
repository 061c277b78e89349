import type { Address } from "../core/address.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { EndpointId } from "./placement.ts";
import type { Direction, PolicyList } from "./program.ts";

/** The first packet of a connection, after DNAT, as policy sees it. */
export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly icmp: { readonly type: number; readonly code: number } | null;
  /**
   * By node: the interfaces through which it comes in and goes out there, as far as they are known. They tell which host endpoint
   * governs; nodes that are neither the source's nor the destination's are on the way in the order given.
   */
  readonly interfaces?: ReadonlyMap<string, Interfaces>;
  /** Where it was going before that node translated its destination: lists that come before the translation see this. */
  readonly translated?: { readonly node: string; readonly destination: Address; readonly destinationPort: number };
}

export interface Interfaces {
  readonly in?: string;
  readonly out?: string;
}

/** What the policies of both ends make of a packet. */
export interface Verdict {
  readonly action: "allow" | "deny";
  /** The way through the egress policies of the source (a pod, or a host by what its processes send); null if it is subject to none. */
  readonly egress: Path | null;
  /** The same of the destination's ingress policies; null also if the packet was denied before. */
  readonly ingress: Path | null;
  /**
   * What other lists had to say, in the order in which they were asked: those of host endpoints on the way, and of a pod what it may
   * send to its own node. One that allows ends what its host endpoint has to say, or that of the pod's node: then `egress` or `ingress`
   * of a host is null.
   */
  readonly hosts: readonly HostPath[];
  /**
   * Why policy was not asked: a pod or node to itself, or a node to a pod that runs on it. What comes before the translation of a
   * Service's address may have been asked nevertheless.
   */
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

/** A way through one list other than `normal`. */
export interface HostPath extends Omit<Path, "action" | "rule"> {
  readonly list: PolicyList;
  /**
   * `next`: no rule of the list decided, so that what comes after it does. `skip`: no more than that lists from before the translation
   * of destinations were not asked: of a failsafe port, or of what answers one.
   */
  readonly action: "allow" | "deny" | "next" | "skip";
  /** Null if none decided. */
  readonly rule: RuleId | null;
}

export interface Step {
  readonly rule: RuleId;
  readonly action: "allow" | "deny" | "pass" | "log";
}

/** Decides packets for one Program and Placement; made by `evaluatorOf` in evaluate.ts. */
export type Evaluate = (packet: Packet) => Verdict;

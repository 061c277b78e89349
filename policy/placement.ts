import type { Address, Cidr } from "../core/address.ts";
import type { SortedMap } from "../core/sorted-map.ts";
import type { Applicability, Instruction, PolicyList, SetId } from "./program.ts";

/**
 * Who the Program is about just now. Versioned by itself, never hashed into the revision. It never changes: a change of the world
 * makes another, which shares what is the same, so what has not changed is the very same object there (members of a set, a class).
 */
export interface Placement {
  /** Endpoints (by id) that get the same blocks share a class. Absent: the endpoint is not subject to policy. */
  readonly classOf: ReadonlyMap<EndpointId, ClassId>;
  /** Classes are made when they are asked for; to go through all of them makes all. */
  readonly classes: ReadonlyMap<ClassId, PolicyClass>;
  /** Of every set of the Program, as its definition has them of `endpoints` and of what stands behind Services; the evaluator relies on it. */
  readonly members: ReadonlyMap<SetId, Members>;
  readonly endpoints: ReadonlyMap<EndpointId, Endpoint>;
}

/** `pod:namespace/name`, `node:name`, `host:name`, `set:name` or `set:namespace/name`. */
export type EndpointId = string & { readonly __endpointId: never };
/** Content hash of the class: classes of one id are equal, now and over time. */
export type ClassId = string & { readonly __classId: never };

/**
 * Somebody with addresses and labels: a pod; a node; an interface of a node that somebody made a HostEndpoint of; a network set. Policy
 * applies to pods and hosts; rules mean pods, hosts and sets.
 */
export interface Endpoint {
  readonly id: EndpointId;
  readonly kind: "pod" | "node" | "host" | "set";
  readonly namespace: string | null;
  readonly name: string;
  readonly node: string | null;
  readonly addresses: readonly Address[];
  /** Of network sets only. */
  readonly nets: readonly Cidr[];
  /** Of hosts only: the interface, `*` for all of them, or null: that which has the addresses. */
  readonly interfaceName: string | null;
  /** Own and inherited labels, as selectors see them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly NamedPort[];
  /** A pod that shares its node's addresses: no policy of its own. */
  readonly hostNetwork: boolean;
}

export interface NamedPort {
  readonly name: string;
  readonly protocol: number;
  readonly port: number;
}

/** The stages of one list. A direction without stages is not subject to policy at all. */
export interface Stages {
  readonly egress: readonly Stage[];
  readonly ingress: readonly Stage[];
}

/** What applies to an endpoint, stage by stage: the stages of list `normal`, and those of the other lists. */
export interface PolicyClass extends Stages {
  readonly id: ClassId;
  readonly others: Readonly<Record<Exclude<PolicyList, "normal">, Stages>>;
}

export interface Stage {
  readonly blocks: readonly Pick<Applicability, "block">[];
  /** The `otherwise` of the first block. */
  readonly otherwise: Instruction;
}

export interface Members {
  readonly addresses: readonly Address[];
  readonly cidrs: readonly Cidr[];
  /** Only of sets of kind `port` and `service`. */
  readonly ports: readonly { readonly address: Address; readonly protocol: number; readonly port: number }[];
  /** From whom they are, where they are from endpoints: two of these tell quickly what has changed between them. */
  readonly from?: SortedMap<EndpointId, Pick<Endpoint, "addresses" | "nets" | "ports">>;
  /** With `from`: it is their ports of this name that are members, not their addresses. */
  readonly port?: string;
}

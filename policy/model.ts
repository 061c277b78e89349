import type { Cidr, Family } from "../core/address.ts";
import type { PolicyListOfUsers, PortRange } from "./program.ts";
import type { Selector } from "./selector/syntax.ts";

/** One policy of any kind in one shape: what `kinds/` read and `compile.ts` turns into a Program. */
export interface Policy {
  readonly kind: PolicyKind;
  readonly namespace: string | null;
  readonly name: string;
  readonly tier: string;
  /** Lower is first; infinity where the policy gives none. */
  readonly order: number;
  /** Whom the policy is about, over inherited labels. */
  readonly selector: Selector;
  /** Where it stands for host endpoints; pods have no list but `normal`. Never empty. */
  readonly lists: readonly PolicyListOfUsers[];
  /** What would become of the policy in force of that name; null: this one is in force itself. */
  readonly staged: StagedAction | null;
  /** Rules of the directions it governs; a direction it leaves alone is null, one it governs without rules is empty. */
  readonly ingress: readonly Rule[] | null;
  readonly egress: readonly Rule[] | null;
}

/** Short kinds as in flow logs. Staged ones begin with s: snp, sgnp, sknp. */
export type PolicyKind = "np" | "gnp" | "knp" | "kcnp" | "kanp" | "kbanp" | "snp" | "sgnp" | "sknp";

/**
 * `set` and `learn` would take the place of the policy in force, `delete` would remove it, `ignore` (a recommendation that somebody
 * dismissed) would change nothing.
 */
export type StagedAction = "set" | "delete" | "learn" | "ignore";

export interface Tier {
  readonly name: string;
  /** Infinity where the tier gives none. */
  readonly order: number;
  readonly defaultAction: "deny" | "pass";
}

export interface Rule {
  /** Position in the list that the user wrote; several rules may stem from one. */
  readonly index: number;
  readonly action: "allow" | "deny" | "pass" | "log";
  readonly family: Family | null;
  readonly protocol: number | null;
  readonly notProtocol: number | null;
  readonly icmp: IcmpMatch | null;
  readonly notIcmp: IcmpMatch | null;
  readonly source: Peer;
  readonly destination: Peer;
  /**
   * Parts that a packet filter cannot decide (HTTP, domains) or that are not known, in words. The rule fails closed: one that allows or
   * logs matches nothing, one that denies or passes denies everything.
   */
  readonly notEnforced: readonly string[];
}

export interface IcmpMatch {
  readonly type: number;
  readonly code?: number;
}

/** One end of a rule; what is empty or null does not restrict. All parts must hold. */
export interface Peer {
  /** The effective selector (section "effective selector" in docs/policy.md), over inherited labels. */
  readonly selector: Selector | null;
  readonly notSelector: Selector | null;
  /** Over the labels of nodes; the addresses of those it selects. */
  readonly nodes: Selector | null;
  /** Pods behind it: as destination at their ports, as source at any. */
  readonly service: ServiceName | null;
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  readonly ports: Ports | null;
  readonly notPorts: Ports | null;
}

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

export interface Ports {
  readonly ranges: readonly PortRange[];
  readonly names: readonly string[];
}

export const anyone: Peer = {
  selector: null,
  notSelector: null,
  nodes: null,
  service: null,
  nets: [],
  notNets: [],
  ports: null,
  notPorts: null,
};

/** A fault in an object: which field and what is wrong with it, for the person who wrote it. */
export interface Problem {
  /** Path of the field, e.g. `spec.ingress[0].source.selector`. */
  readonly field: string;
  readonly message: string;
}

/** What a reader makes of an object. */
export type Read<T> = { readonly value: T } | { readonly problems: readonly Problem[] };

import type { Cidr, Family } from "../core/address.ts";
import type { RuleId } from "../core/rule-id.ts";

/**
 * What all policies together mean, and nothing else: it changes when a policy changes, never when a pod does. Made by
 * compile.ts; the enforcer, the evaluator, replay and reports read this and know no tiers, kinds or orders.
 */
export interface Program {
  /** Hash of all that it means, 16 hexadecimal digits; revision.ts says of what. */
  readonly revision: string;
  readonly sets: ReadonlyMap<SetId, SetDefinition>;
  readonly blocks: ReadonlyMap<BlockId, readonly Instruction[]>;
  /** In order of evaluation: by stage, then by order within it. */
  readonly applies: readonly Applicability[];
  /** What a rule id stands for: every instruction above, for people. */
  readonly rules: ReadonlyMap<RuleId, RuleOrigin>;
  /** Rules of which a part cannot be enforced, so that they fail closed, for people; not part of the revision. */
  readonly notEnforced: readonly NotEnforced[];
}

export interface NotEnforced {
  readonly rule: RuleOrigin;
  /** e.g. `http` */
  readonly parts: readonly string[];
}

export type SetId = string & { readonly __setId: never };
export type BlockId = string & { readonly __blockId: never };
export type Direction = "egress" | "ingress";

/**
 * Which traffic of an endpoint a block is about. Pods have `normal`, and `toOwnNode`: what they send to the node that they run on. For a
 * host endpoint `normal` is what processes of the host send and get, `forward` what passes through, `preDnat` what comes in before its
 * destination is translated, and `untracked` what neither connection tracking nor any other list sees. `failsafe` is no policy's: it
 * comes before all others for what processes of the host send and get, never for what passes through, so that no policy locks people
 * out of a node; `answers` is what looks like an answer to what it lets through, about which `untracked` is not asked.
 */
export type PolicyList = PolicyListOfUsers | "failsafe" | "answers" | "toOwnNode";

/** Those that a policy may stand in. */
export type PolicyListOfUsers = "normal" | "forward" | "preDnat" | "untracked";

/** Who gets a block. All blocks of one stage that apply to an endpoint are tried in order. */
export interface Applicability {
  readonly list: PolicyList;
  readonly direction: Direction;
  /** Canonical selector over the labels of an endpoint, own and inherited. */
  readonly selector: string;
  readonly stage: number;
  readonly block: BlockId;
  /** What happens at the end of the stage when this is the first block of it that applies to the endpoint: allow, deny or next. */
  readonly otherwise: Instruction;
}

export interface Instruction {
  readonly id: RuleId;
  /** All must hold. */
  readonly when: readonly Match[];
  /** `next` leaves the stage; `log` notes the hit and goes on with the next instruction. */
  readonly verdict: "allow" | "deny" | "next" | "log";
}

export type Match =
  | { readonly field: "family"; readonly is: Family }
  | { readonly field: "protocol"; readonly is: number; readonly not: boolean }
  /** The address is a member of the set. */
  | { readonly field: "source" | "destination"; readonly in: SetId; readonly not: boolean }
  /**
   * The protocol has ports and the port is in one of the ranges, or (address, protocol, port) is in one of the sets of
   * kind `port` or `service` with ports; for sourcePort the source's address.
   */
  | {
      readonly field: "sourcePort" | "destinationPort";
      readonly ranges: readonly PortRange[];
      readonly named: readonly SetId[];
      readonly not: boolean;
    }
  /** The protocol is ICMP or ICMPv6 and type (and code) are these. */
  | { readonly field: "icmp"; readonly type: number; readonly code?: number; readonly not: boolean };

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Members are computed by placement.ts. */
export type SetDefinition =
  /** Addresses of the endpoints that the canonical selector selects. */
  | { readonly kind: "selector"; readonly selector: string }
  | { readonly kind: "cidrs"; readonly cidrs: readonly Cidr[] }
  /** (address, protocol, port) of every port of that name which endpoints that the selector selects declare. */
  | { readonly kind: "port"; readonly selector: string; readonly port: string }
  /** Addresses of the nodes whose own labels the canonical selector selects. */
  | { readonly kind: "nodes"; readonly selector: string }
  /** What stands behind a Service by its EndpointSlices: addresses alone, or (address, protocol, port). */
  | {
      readonly kind: "service";
      readonly namespace: string;
      readonly name: string;
      readonly with: "addresses" | "ports";
    };

/** Whether a set's members are (address, protocol, port) rather than addresses. */
export function holdsPorts(definition: SetDefinition): boolean {
  return definition.kind === "port" || (definition.kind === "service" && definition.with === "ports");
}

/** The words for a rule id. */
export interface RuleOrigin {
  readonly tier: string;
  /**
   * Short kind as in flow logs (`PolicyKind`); `pro` for profiles, `end` for the end of a list that has policies, `failsafe` for ports
   * of hosts that no policy closes, `setting` for what an operator set (program-settings.ts has the names).
   */
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly direction: Direction;
  readonly action: "allow" | "deny" | "pass" | "log";
  /** Index in the policy's rule list; -1 the tier's default. */
  readonly rule: number;
}

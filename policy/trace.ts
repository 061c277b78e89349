import type { RuleId } from "../core/rule-id.ts";
import type { EndpointId } from "./placement.ts";
import type { Direction, Match, PolicyList, RuleOrigin } from "./program.ts";
import type { Verdict } from "./verdict.ts";

/** Everything that was asked about a packet and why it answered as it did. */
export interface Trace {
  readonly verdict: Verdict;
  /** The lists that were asked, in order. */
  readonly paths: readonly ListTrace[];
}

/** One list of one endpoint, tier by tier up to the one that decided. */
export interface ListTrace {
  readonly endpoint: EndpointId;
  readonly list: PolicyList;
  readonly direction: Direction;
  /** `next`: nothing in the list decided. */
  readonly outcome: "allow" | "deny" | "next";
  readonly stages: readonly StageTrace[];
}

export interface StageTrace {
  readonly tier: string;
  /** `pass`: went on with the next tier. */
  readonly outcome: "allow" | "deny" | "pass";
  /** What decided so: a rule of the last policy, or the tier's default. */
  readonly by: RuleId;
  /** Those that were asked, in order. */
  readonly policies: readonly PolicyTrace[];
}

export interface PolicyTrace {
  readonly policy: Pick<RuleOrigin, "tier" | "kind" | "namespace" | "name">;
  /** Those that were asked, as the user wrote them, in order. */
  readonly rules: readonly RuleTrace[];
}

export interface RuleTrace {
  readonly rule: RuleId;
  /** Position in the list that the user wrote. */
  readonly index: number;
  readonly outcome: "matched" | "skipped";
  /** Why it was skipped: the first condition that failed. One for each alternative that the rule consists of; empty if it matched. */
  readonly because: readonly Match[];
  /** Parts of the rule that cannot be enforced, because of which it matches nothing; empty for most. */
  readonly notEnforced: readonly string[];
}

import type { Policy, Problem } from "../../policy/model.ts";
import type { Condition } from "../conditions.ts";

/** Where the rules of an object are in force. */
export interface Programmed {
  /** The first revision that has it as it is. */
  readonly revision: string;
  readonly nodes: number;
  /** Nodes that do not have it, by name. */
  readonly missing: readonly string[];
}

export interface PolicyState {
  readonly problems: readonly Problem[];
  /** As it was last accepted; null if it never was. */
  readonly policy: Policy | null;
  readonly isTierMade: boolean;
  /** Whether it is about anybody just now. */
  readonly selects: boolean;
  readonly programmed: Programmed;
}

export function policyConditions({ problems, policy, isTierMade, selects, programmed }: PolicyState) {
  const [first, ...others] = policy === null ? [] : remarksOn(policy, isTierMade, selects);
  const said = first && { ...first, message: [first, ...others].map(({ message }) => message).join("; ") };
  return [
    accepted(problems, said ?? valid),
    policy === null ? neverAccepted : policy.staged === null ? programmedOn(programmed) : staged,
  ];
}

export interface TierState {
  readonly problems: readonly Problem[];
  readonly hasPolicies: boolean;
  readonly programmed: Programmed;
}

export function tierConditions({ problems, hasPolicies, programmed }: TierState): readonly Condition[] {
  const empty = { reason: "Empty", message: "no policy is in it" };
  return [accepted(problems, hasPolicies ? valid : empty), programmedOn(programmed)];
}

type Remark = Pick<Condition, "reason" | "message">;

const valid: Remark = { reason: "Valid", message: "it is understood" };

/** What makes it mean less than it says, the gravest first. */
function remarksOn(policy: Policy, isTierMade: boolean, selects: boolean): readonly Remark[] {
  const parts = [...(policy.ingress ?? []), ...(policy.egress ?? [])].flatMap(({ notEnforced }) => notEnforced);
  const named = [...new Set(parts)].join("; ");
  return [
    ...(isTierMade ? [] : [unknownTier(policy.tier)]),
    ...(named === "" ? [] : [{ reason: "PartlyEnforceable", message: `cannot be enforced: ${named}` }]),
    ...(selects ? [] : [{ reason: "SelectsNothing", message: "it is about nobody just now" }]),
  ];
}

function unknownTier(tier: string): Remark {
  const message = `nobody made tier ${tier}: it comes after all others and denies what it does not allow`;
  return { reason: "UnknownTier", message };
}

function accepted(problems: readonly Problem[], { reason, message }: Remark): Condition {
  if (problems.length === 0) return { type: "Accepted", status: "True", reason, message };
  const faults = problems.map((one) => `${one.field}: ${one.message}`).join("; ");
  return { type: "Accepted", status: "False", reason: "Invalid", message: faults };
}

const programmed = "Programmed";
const neverAccepted: Condition = {
  type: programmed,
  status: "False",
  reason: "Invalid",
  message: "it was never accepted",
};
const staged: Condition = { type: programmed, status: "False", reason: "Staged", message: "it is tried, not in force" };

/** How many nodes a message names. */
const named = 3;

function programmedOn({ revision, nodes, missing }: Programmed): Condition {
  const count = `on ${nodes - missing.length} of ${nodes} nodes since revision ${revision}`;
  if (nodes === 0) return { type: programmed, status: "Unknown", reason: "NoNodes", message: "no node is known" };
  if (missing.length === 0) return { type: programmed, status: "True", reason: "AllNodes", message: count };
  const more = missing.length > named ? ", ..." : "";
  const message = `${count}; not on ${missing.slice(0, named).join(", ")}${more}`;
  return { type: programmed, status: "False", reason: missing.length === nodes ? "NoNode" : "SomeNodes", message };
}

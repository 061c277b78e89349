import type { Condition } from "../conditions.ts";
import type { PresentTaxonomy } from "./present.ts";

/** What became of a taxonomy. */
export interface Outcome {
  /** Admission policies that are in force because of it. */
  readonly policies: number;
  /** Why not all that it asks for is. */
  readonly failure: string | null;
  /** What other taxonomies say of the same labels. */
  readonly conflicts: readonly string[];
}

export function taxonomyConditions({ generation, read }: PresentTaxonomy, outcome: Outcome): readonly Condition[] {
  const problems = "problems" in read ? read.problems.map(({ field, message }) => `${field}: ${message}`) : [];
  const conditions = [
    problems.length === 0
      ? is("Accepted", "Valid", "every key is understood")
      : isNot("Accepted", "Invalid", problems.join("; ")),
    enforced(problems.length === 0, outcome),
    outcome.conflicts.length === 0
      ? isNot("Conflict", "None", "no other taxonomy speaks of its labels")
      : is("Conflict", "SameLabel", outcome.conflicts.join("; ")),
  ];
  return conditions.map((condition) => ({ ...condition, observedGeneration: generation }));
}

function enforced(isValid: boolean, { policies, failure }: Outcome): Condition {
  const count = `${policies} admission ${policies === 1 ? "policy" : "policies"}`;
  if (failure !== null) return isNot("Enforced", "NotApplied", failure);
  if (isValid) return is("Enforced", "Applied", `by ${count}`);
  if (policies > 0) return is("Enforced", "LastGoodState", `as it last was accepted, by ${count}`);
  return isNot("Enforced", "Invalid", "it was never accepted");
}

const is = (type: string, reason: string, message: string): Condition => ({ type, status: "True", reason, message });
const isNot = (type: string, reason: string, message: string): Condition => ({
  ...is(type, reason, message),
  status: "False",
});

import type { Program, RuleOrigin } from "../policy/program.ts";
import type { Verdict } from "../policy/verdict.ts";

/** Whose word it was: of a denial that which denies, of what is allowed that of all who had a say. */
export function decidersOf({ action, egress, ingress, hosts }: Verdict, { rules }: Program): readonly RuleOrigin[] {
  return [...hosts, egress, ingress].flatMap((path) =>
    path !== null && path.action === action && path.rule !== null ? (rules.get(path.rule) ?? []) : [],
  );
}

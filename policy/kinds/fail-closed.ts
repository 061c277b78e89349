import { z } from "zod";
import type { Rule } from "../model.ts";
import { isMapping, problemsOf } from "./reading.ts";
import { allowRule } from "./simple-rule.ts";
import { explain } from "./wording.ts";

/** A rule of which a part is not known, and what that is in words. */
interface UnreadableRule {
  readonly unreadable: readonly string[];
  readonly allows: boolean;
}

/**
 * Rules read one by one: one that says what this version does not know (the CRD of the cluster may be newer) fails closed by itself,
 * as policy.networking.k8s.io asks of implementations, instead of taking the policy with it.
 */
export function failClosed<T extends object>(rule: z.ZodType<T>) {
  return z.unknown().transform((input): T | UnreadableRule => {
    const result = rule.safeParse(input, { error: explain });
    if (result.success) return result.data;
    const problems = result.error.issues.flatMap((issue) => problemsOf(issue, ""));
    const action = isMapping(input) ? input["action"] : undefined;
    return {
      unreadable: problems.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)),
      allows: action === "Allow" || action === "Accept",
    };
  });
}

/** The rules of one direction, or null if there are none: then the policy leaves that direction alone. */
export function rulesOrNull<T extends object>(
  list: readonly (T | UnreadableRule)[],
  rulesOf: (rule: T, index: number) => readonly Rule[],
): readonly Rule[] | null {
  if (list.length === 0) return null;
  return list.flatMap((rule, index) => ("unreadable" in rule ? [closedRule(rule, index)] : rulesOf(rule, index)));
}

/** One that allows will match nothing, any other deny everything (compile.ts). */
function closedRule({ unreadable, allows }: UnreadableRule, index: number): Rule {
  return { ...allowRule, index, action: allows ? "allow" : "deny", notEnforced: unreadable };
}

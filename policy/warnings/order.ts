import { allowRule } from "../kinds/simple-rule.ts";
import type { Policy, Rule } from "../model.ts";
import { comparePolicies } from "../policy-order.ts";
import { termsOf } from "../selector/implies.ts";
import { canonical } from "../selector/syntax.ts";
import { covers } from "./shadows.ts";
import { type Direction, directions, type Warning, warning } from "./warning.ts";

/** Policies that are never asked in a direction: one before them in their tier decides about everything, for at least the same endpoints. */
export function orderWarnings(policies: readonly Policy[]): readonly Warning[] {
  const inForce = policies.filter(({ staged }) => staged === null);
  return [...Map.groupBy(inForce, ({ tier }) => tier).values()].flatMap((group) =>
    directions.flatMap((direction) => behindClosed(group.toSorted(comparePolicies), direction)),
  );
}

function behindClosed(inOrder: readonly Policy[], direction: Direction): readonly Warning[] {
  const closed = new Map<string, Policy>();
  const warnings: Warning[] = [];
  for (const policy of inOrder) {
    const rules = policy[direction];
    if (rules === null) continue;
    const selects = canonical(policy.selector);
    const wider = ["all()", ...termsOf(policy.selector).map(canonical), selects];
    const before = wider.map((text) => closed.get(keyOf(text, policy))).find((found) => found !== undefined);
    if (before !== undefined)
      warnings.push(
        warning(policy, `spec.${direction}`, `is never asked: ${before.name} decides about everything before`),
      );
    else if (rules.some(decidesAll)) closed.set(keyOf(selects, policy), policy);
  }
  return warnings;
}

/** Lists of host endpoints have nothing to do with each other. */
function keyOf(selector: string, { lists }: Policy): string {
  return `${lists.join()} ${selector}`;
}

function decidesAll(rule: Rule): boolean {
  if (rule.action === "log") return false;
  if (rule.notEnforced.length > 0) return rule.action !== "allow";
  return covers(rule, { ...allowRule, index: 0 });
}

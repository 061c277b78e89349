import type { Policy, Rule } from "./model.ts";
import type { Endpoint } from "./placement.ts";
import type { Direction } from "./program.ts";
import { matches } from "./selector/syntax.ts";
import { comesAfter, type TierWithPolicies } from "./tiers.ts";

/** What a policy keeps from ever being asked. */
export interface Shadow {
  readonly direction: Direction;
  /** The rule that matches everything, or -1: the tier's default action, which denies. */
  readonly rule: number;
  /** Later rules of the policy itself. */
  readonly ownRules: readonly number[];
  /** Later policies that select some of the same endpoints, which are not asked about these. */
  readonly policies: readonly { readonly policy: Policy; readonly endpoints: number }[];
}

/**
 * What stands in the shadow of a policy: after a rule that matches everything nothing of its tier is asked, and if nothing can have
 * passed, nothing of later tiers either; no more is it if the tier denies by default.
 */
export function shadowsOf(
  policy: Policy,
  tiers: readonly TierWithPolicies[],
  endpoints: readonly Endpoint[],
): readonly Shadow[] {
  const home = tiers.find(({ tier }) => tier.name === policy.tier);
  if (home === undefined || !policy.lists.includes("normal")) return [];
  const subjects = endpoints.filter(({ labels }) => matches(policy.selector, labels));
  return (["ingress", "egress"] as const).flatMap((direction) => {
    const rules = policy[direction];
    if (rules === null) return [];
    const all = rules.find(matchesEverything);
    const closes = leavesNothing(policy, home, direction, all);
    const hides = (later: Policy) =>
      later[direction] !== null && (later.tier === policy.tier ? all !== undefined : closes);
    const policies = comesAfter(policy, tiers)
      .filter(hides)
      .map((later) => ({ policy: later, endpoints: countOf(later, subjects) }))
      .filter(({ endpoints }) => endpoints > 0);
    const ownRules = all === undefined ? [] : later(rules, all.index);
    if (policies.length === 0 && ownRules.length === 0) return [];
    return [{ direction, rule: all?.index ?? -1, ownRules, policies }];
  });
}

const countOf = (policy: Policy, endpoints: readonly Endpoint[]) =>
  endpoints.filter(({ labels }) => matches(policy.selector, labels)).length;

/** Nothing of whom the policy is about goes on to the next tier. */
function leavesNothing(
  policy: Policy,
  { tier, policies }: TierWithPolicies,
  direction: Direction,
  all?: Rule,
): boolean {
  if ((all?.action === "pass" && all.notEnforced.length === 0) || (all === undefined && tier.defaultAction === "pass"))
    return false;
  const asked = all === undefined ? policies : policies.slice(0, policies.indexOf(policy) + 1);
  const rules = asked.flatMap((one) => one[direction] ?? []);
  return rules.every((rule) => rule.action !== "pass" || rule.notEnforced.length > 0);
}

const later = (rules: readonly Rule[], index: number) => [
  ...new Set(rules.filter((rule) => rule.index > index).map((rule) => rule.index)),
];

/** Without any condition, and it decides; one that cannot be enforced fails closed (compile.ts). */
function matchesEverything(rule: Rule): boolean {
  const { action, family, protocol, notProtocol, icmp, notIcmp, notEnforced, source, destination } = rule;
  const conditions = [family, protocol, notProtocol, icmp, notIcmp];
  if (notEnforced.length > 0) return action === "deny" || action === "pass";
  return (
    action !== "log" && conditions.every((condition) => condition === null) && [source, destination].every(isAnyone)
  );
}

function isAnyone({ nets, notNets, ...parts }: Rule["source"]): boolean {
  return nets.length === 0 && notNets.length === 0 && Object.values(parts).every((part) => part === null);
}

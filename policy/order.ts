import { builtInTiers } from "./kinds/tier.ts";
import type { Policy, Tier } from "./model.ts";

/** A tier and what stands in it, in order of evaluation. */
export interface TierWithPolicies {
  readonly tier: Tier;
  readonly policies: readonly Policy[];
  /** Somebody made it, or it is built in. */
  readonly exists: boolean;
}

/**
 * All tiers in order of evaluation, also those without policies. One that policies name but nobody made comes last and denies.
 */
export function tiersInOrder(tiers: readonly Tier[], policies: readonly Policy[]): readonly TierWithPolicies[] {
  const known = new Map([...builtInTiers, ...tiers].map((tier) => [tier.name, tier]));
  const groups = Map.groupBy(policies, ({ tier }) => tier);
  const names = new Set([...known.keys(), ...groups.keys()]);
  return [...names]
    .map((name) => ({
      tier: known.get(name) ?? missing(name),
      policies: (groups.get(name) ?? []).toSorted(comparePolicies),
      exists: known.has(name),
    }))
    .toSorted(
      (a, b) =>
        Number(b.exists) - Number(a.exists) ||
        compareOrders(a.tier.order, b.tier.order) ||
        compareTexts(a.tier.name, b.tier.name),
    );
}

const missing = (name: string): Tier => ({ name, order: Number.POSITIVE_INFINITY, defaultAction: "deny" });

function comparePolicies(a: Policy, b: Policy): number {
  const key = ({ name, namespace, kind }: Policy) => `${name}/${namespace ?? ""}/${kind}`;
  return compareOrders(a.order, b.order) || compareTexts(key(a), key(b));
}

/** Infinity minus infinity is not a number, so orders are compared, not subtracted. */
function compareOrders(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The policies that are asked after one, tier by tier. */
export function comesAfter(policy: Policy, tiers: readonly TierWithPolicies[]): readonly Policy[] {
  const all = tiers.flatMap(({ policies }) => policies);
  return all.slice(all.indexOf(policy) + 1);
}

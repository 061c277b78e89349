import { builtInTiers } from "./kinds/tier.ts";
import type { Policy, Tier } from "./model.ts";
import { comparePolicies, compareTiers, missingTier, type TierPlace } from "./policy-order.ts";

/** A tier and what stands in it, in order of evaluation. */
export interface TierWithPolicies extends TierPlace {
  readonly policies: readonly Policy[];
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
      tier: known.get(name) ?? missingTier(name),
      policies: (groups.get(name) ?? []).toSorted(comparePolicies),
      made: known.has(name),
    }))
    .toSorted(compareTiers);
}

/** The policies that are asked after one, tier by tier. */
export function comesAfter(policy: Policy, tiers: readonly TierWithPolicies[]): readonly Policy[] {
  const all = tiers.flatMap(({ policies }) => policies);
  return all.slice(all.indexOf(policy) + 1);
}

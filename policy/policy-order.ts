import type { Policy, Tier } from "./model.ts";

/** Where a tier stands: a tier that policies name but nobody made comes last and denies. */
export interface TierPlace {
  readonly tier: Tier;
  readonly made: boolean;
}

export function missingTier(name: string): Tier {
  return { name, order: Number.POSITIVE_INFINITY, defaultAction: "deny" };
}

/** Order of evaluation of tiers. */
export function compareTiers(a: TierPlace, b: TierPlace): number {
  return Number(b.made) - Number(a.made) || compare(a.tier.order, b.tier.order) || compare(a.tier.name, b.tier.name);
}

/** Order of evaluation of the policies of a tier. */
export function comparePolicies(a: Policy, b: Policy): number {
  return compare(a.order, b.order) || compare(textOf(a), textOf(b));
}

const textOf = ({ name, namespace, kind }: Policy) => `${name}/${namespace ?? ""}/${kind}`;

/** Infinity minus infinity is not a number, so orders are compared, not subtracted. */
function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import type { Access } from "../../core/kube/api/access.ts";

const group = "projectcalico.org";

/** A policy, or those of a kind in a tier, and what somebody wants of it. */
export interface PolicyAccess {
  readonly verb: string;
  /** `networkpolicies` */
  readonly plural: string;
  /** Undefined: whichever, so all of them. */
  readonly tier: string | undefined;
  /** Undefined: all of the tier. */
  readonly name?: string | undefined;
  /** Undefined: all, or those of a kind that is in none. */
  readonly namespace?: string | undefined;
}

/** What RBAC must grant for it, beside the verb on the kind itself: the first, and one of the others. As deploy/admission/tier-rbac.yaml says. */
export interface TierGrants {
  readonly tier: Access;
  readonly policies: readonly Access[];
}

export function tierGrants({ verb, plural, tier, name, namespace }: PolicyAccess): TierGrants {
  const pseudo = { group, resource: `tier.${plural}`, verb, ...(namespace !== undefined && { namespace }) };
  // A grant by name counts if the name is of that tier.
  const isOfTier = name !== undefined && tier !== undefined && name.startsWith(`${tier}.`);
  return {
    tier: { group, resource: "tiers", verb: "get", ...(tier !== undefined && { name: tier }) },
    policies: [
      { ...pseudo, ...(tier !== undefined && { name: `${tier}.*` }) },
      ...(isOfTier ? [{ ...pseudo, name }] : []),
    ],
  };
}

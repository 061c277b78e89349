import type { Access } from "../../core/kube/api/access.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { defaultTier } from "../../policy/kinds/tier.ts";
import { tierGrants } from "../tiers/grants.ts";

/** A policy that somebody wants to change. */
export interface PolicyTarget {
  readonly kind: string;
  readonly plural: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly tier: string;
}

export const changingVerbs = ["create", "update", "patch", "delete"] as const;
export type ChangingVerb = (typeof changingVerbs)[number];

/** Something that RBAC must grant. */
export interface NeededGrant {
  /** Any one of them is enough; the first is what is usual. */
  readonly anyOf: readonly Access[];
  /** It is of no namespace: a RoleBinding cannot give it. */
  readonly isForCluster: boolean;
}

/** All that must be granted, as deploy/admission/tier-rbac.yaml asks for it. */
export function neededGrants(
  verb: ChangingVerb,
  { plural, namespace, name, tier }: PolicyTarget,
): readonly NeededGrant[] {
  const where = namespace === null ? {} : { namespace };
  // A patch is an update by the time that admission sees it.
  const seen = verb === "patch" ? "update" : verb;
  const grants = tierGrants({ verb: seen, plural, tier, name, ...where });
  // Creating goes by no name: the API server does not know it before it has read the object.
  const plain = { group: "projectcalico.org", resource: plural, verb, ...(verb !== "create" && { name }), ...where };
  return [
    { anyOf: [plain], isForCluster: namespace === null },
    { anyOf: [grants.tier], isForCluster: true },
    { anyOf: grants.policies, isForCluster: namespace === null },
  ];
}

/** By the tier that its name carries; a bare name is of tier default. */
function tierOfName(name: string): string {
  return name.includes(".") ? name.slice(0, name.indexOf(".")) : defaultTier.name;
}

const kindOf: Readonly<Record<string, string>> = {
  np: "NetworkPolicy",
  gnp: "GlobalNetworkPolicy",
  snp: "StagedNetworkPolicy",
  sgnp: "StagedGlobalNetworkPolicy",
  sknp: "StagedKubernetesNetworkPolicy",
};

/**
 * `app.web`, `shop/app.web`, `snp:shop/app.web`: kinds as in flow records; without one a NetworkPolicy of a namespace, or a
 * GlobalNetworkPolicy. Undefined if it is no such thing.
 */
export function parseTarget(text: string): PolicyTarget | undefined {
  const [, short, namespace, name] = /^(?:([a-z]+):)?(?:([^:/]+)\/)?([^:/]+)$/.exec(text) ?? [];
  const kind = kindOf[short ?? (namespace === undefined ? "gnp" : "np")];
  const resource = policyResources.find((one) => one.kind === kind);
  if (name === undefined || resource === undefined) return undefined;
  if ((resource.scope === "Namespaced") !== (namespace !== undefined)) return undefined;
  const tier = resource.selectable.includes(".spec.tier") ? tierOfName(name) : defaultTier.name;
  return { kind: resource.kind, plural: resource.plural, namespace: namespace ?? null, name, tier };
}

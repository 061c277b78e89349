import type { MayAccess } from "../../core/kube/api/access.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import type { PolicyKind } from "../../policy/model.ts";
import { tierGrants } from "./grants.ts";

/** A policy that somebody wants to see. */
export interface PolicyPlace {
  readonly kind: PolicyKind;
  readonly namespace: string | null;
  readonly name: string;
  readonly tier: string;
}

interface Resource {
  readonly group: string;
  readonly plural: string;
}

const ours = (kind: string): Resource => {
  const resource = policyResources.find((one) => one.kind === kind);
  if (resource === undefined) throw new Error(`${kind} is no policy of projectcalico.org`);
  return { group: "projectcalico.org", plural: resource.plural };
};
const adminGroup = "policy.networking.k8s.io";

const resources: Readonly<Record<PolicyKind, Resource>> = {
  np: ours("NetworkPolicy"),
  gnp: ours("GlobalNetworkPolicy"),
  snp: ours("StagedNetworkPolicy"),
  sgnp: ours("StagedGlobalNetworkPolicy"),
  sknp: ours("StagedKubernetesNetworkPolicy"),
  knp: { group: "networking.k8s.io", plural: "networkpolicies" },
  kcnp: { group: adminGroup, plural: "clusternetworkpolicies" },
  kanp: { group: adminGroup, plural: "adminnetworkpolicies" },
  kbanp: { group: adminGroup, plural: "baselineadminnetworkpolicies" },
};

/**
 * Whether somebody may read a policy through us: `get` on its kind and, of kinds that are granted by tier, what `sluice authorize-reads` asks
 * for, also where no API server asks it. Throws what asking throws.
 */
export async function mayReadPolicy({ kind, namespace, name, tier }: PolicyPlace, may: MayAccess): Promise<boolean> {
  const { group, plural } = resources[kind];
  const where = namespace === null ? {} : { namespace };
  const asked = [may({ group, resource: plural, verb: "get", name, ...where })];
  if (group !== "projectcalico.org") return (await Promise.all(asked)).every(Boolean);
  const grants = tierGrants({ verb: "get", plural, tier, name, ...where });
  const [mayGet, mayTier, ...mayPolicies] = await Promise.all([
    ...asked,
    may(grants.tier),
    ...grants.policies.map(may),
  ]);
  return mayGet === true && mayTier === true && mayPolicies.includes(true);
}

/** Asks each question once: policies of a tier need the same grants. */
export function askedOnce(may: MayAccess): MayAccess {
  const known = new Map<string, Promise<boolean>>();
  return (access) => {
    const key = JSON.stringify(access);
    const answer = known.get(key) ?? may(access);
    known.set(key, answer);
    return answer;
  };
}

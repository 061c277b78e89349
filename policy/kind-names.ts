import type { PolicyKind } from "./model.ts";
import type { RuleOrigin } from "./program.ts";

/** Kinds as people write them, by their short names in flow logs. */
const kinds: Readonly<Record<PolicyKind, string>> = {
  np: "NetworkPolicy",
  gnp: "GlobalNetworkPolicy",
  knp: "Kubernetes NetworkPolicy",
  kcnp: "ClusterNetworkPolicy",
  kanp: "AdminNetworkPolicy",
  kbanp: "BaselineAdminNetworkPolicy",
  snp: "StagedNetworkPolicy",
  sgnp: "StagedGlobalNetworkPolicy",
  sknp: "StagedKubernetesNetworkPolicy",
};

export function kindName(kind: string): string {
  return Object.hasOwn(kinds, kind) ? kinds[kind as PolicyKind] : kind;
}

type Named = Pick<RuleOrigin, "kind" | "namespace" | "name">;

/** `prod-shop/app.api`, `security.quarantine` */
export function policyPath({ namespace, name }: Omit<Named, "kind">): string {
  return namespace === null ? name : `${namespace}/${name}`;
}

/** `NetworkPolicy prod-shop/app.api` */
export function policyTitle(policy: Named): string {
  return `${kindName(policy.kind)} ${policyPath(policy)}`;
}

/** `np:prod-shop/app.api`, as in flow records. */
export function policyId(policy: Named): string {
  return `${policy.kind}:${policyPath(policy)}`;
}

import type { Policy, PolicyKind } from "./model.ts";

const inForce: Partial<Record<PolicyKind, PolicyKind>> = { snp: "np", sgnp: "gnp", sknp: "knp" };

/**
 * The policies as they would be if everything staged came into force: what is staged takes the place of the policy of its name
 * (`set`, `learn`) or removes it (`delete`). Staged policies keep their kind, so that a trace tells them apart.
 */
export function pendingPolicies(policies: readonly Policy[]): readonly Policy[] {
  const staged = policies.filter(({ staged }) => staged !== null && staged !== "ignore");
  const replaced = new Set(staged.map((policy) => nameOf(policy, inForce[policy.kind] ?? policy.kind)));
  const kept = policies.filter((policy) => policy.staged === null && !replaced.has(nameOf(policy, policy.kind)));
  return [
    ...kept,
    ...staged.filter(({ staged }) => staged !== "delete").map((policy) => ({ ...policy, staged: null })),
  ];
}

const nameOf = ({ namespace, name }: Policy, kind: PolicyKind) => `${kind} ${namespace ?? ""}/${name}`;

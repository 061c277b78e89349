import { describeSubject } from "../../policy/describe.ts";
import { kindName, policyId, policyPath } from "../../policy/kind-names.ts";
import type { Policy, Rule } from "../../policy/model.ts";
import type { Shape } from "./format.ts";

/** A policy and how many it is about just now. */
export interface PolicyRow {
  readonly policy: Policy;
  readonly tierOrder: number;
  readonly pods: number;
  readonly hosts: number;
}

export const policyShape: Shape<PolicyRow> = {
  objectOf: ({ policy, tierOrder, pods, hosts }) => ({
    type: "policy",
    tier: policy.tier,
    tierOrder: orderOrNull(tierOrder),
    order: orderOrNull(policy.order),
    kind: policy.kind,
    namespace: policy.namespace,
    name: policy.name,
    staged: policy.staged,
    lists: policy.lists,
    ingressRules: countOf(policy.ingress),
    egressRules: countOf(policy.egress),
    pods,
    hostEndpoints: hosts,
    subject: describeSubject(policy),
  }),
  nameOf: ({ policy }) => policyId(policy),
  columns: [
    { header: "tier", cell: ({ policy }) => policy.tier },
    { header: "order", cell: ({ policy }) => orderOrNull(policy.order) },
    { header: "kind", cell: ({ policy }) => kindName(policy.kind) },
    { header: "name", cell: ({ policy }) => policyPath(policy) },
    { header: "pods", cell: ({ pods }) => pods },
    { header: "hosts", cell: ({ hosts }) => hosts, only: "wide" },
    { header: "ingress", cell: ({ policy }) => rulesText(policy.ingress) },
    { header: "egress", cell: ({ policy }) => rulesText(policy.egress) },
    { header: "staged", cell: ({ policy }) => policy.staged },
    { header: "about", cell: ({ policy }) => listsText(policy), only: "wide" },
    { header: "selects", cell: ({ policy }) => describeSubject(policy), only: "wide" },
  ],
};

/** JSON has no infinity. */
const orderOrNull = (order: number) => (order === Number.POSITIVE_INFINITY ? null : order);

/** Rules as they were written; null: the direction is left alone. */
function countOf(rules: readonly Rule[] | null): number | null {
  return rules === null ? null : new Set(rules.map(({ index }) => index)).size;
}

export function rulesText(rules: readonly Rule[] | null): string | null {
  const count = countOf(rules);
  return count === null ? null : count === 1 ? "1 rule" : `${count} rules`;
}

const listsText = ({ lists }: Policy) => lists.map((list) => listNames[list]).join(", ");

const listNames = { normal: "connections", forward: "forwarded", preDnat: "before DNAT", untracked: "untracked" };

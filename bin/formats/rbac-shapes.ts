import type { MatrixRow } from "../../controls/rbac/matrix.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import type { RbacAnswer } from "../rbac-answer.ts";
import type { Shape } from "./format.ts";

/** A line an answer; what is missing is in json, jsonl and yaml, and in plain text (rbac-answer.ts). */
export const rbacAnswerShape: Shape<RbacAnswer> = {
  objectOf: (answer) => ({ type: "rbac", ...answer }),
  nameOf: ({ user, verb, name, allowed }) => `${user} ${verb} ${name} ${allowed ? "yes" : "no"}`,
  columns: [
    { header: "allowed", cell: ({ allowed }) => allowed },
    { header: "user", cell: ({ user }) => user },
    { header: "verb", cell: ({ verb }) => verb },
    { header: "kind", cell: ({ kind }) => kind },
    { header: "namespace", cell: ({ namespace }) => namespace },
    { header: "name", cell: ({ name }) => name },
    { header: "tier", cell: ({ tier }) => tier },
    { header: "lacks", cell: ({ grants }) => missing(grants).join("; ") },
  ],
};

const missing = (grants: RbacAnswer["grants"]) => grants.filter(({ granted }) => !granted).map(({ grant }) => grant);

export const matrixShape: Shape<MatrixRow> = {
  objectOf: ({ subject, tier, namespace, verbs, kinds, policies, lacks }) => ({
    type: "tier-right",
    ...{ subject, tier, namespace, verbs, kinds, policies, lacks },
  }),
  nameOf: ({ subject, tier }) => `${subject} ${tier ?? "*"}`,
  columns: [
    { header: "subject", cell: ({ subject }) => subject },
    { header: "tier", cell: ({ tier }) => tier ?? "*" },
    { header: "namespace", cell: ({ namespace }) => namespace ?? "*" },
    { header: "verbs", cell: ({ verbs }) => verbs.join(" ") },
    { header: "kinds", cell: ({ kinds }) => kinds.join(" "), text: kindsText },
    { header: "policies", cell: ({ policies }) => policies?.join(" ") ?? "*" },
    { header: "lacks", cell: ({ lacks }) => lacks.join(", ") },
  ],
};

/** Most have rights on all kinds, or on none. */
function kindsText({ namespace, kinds }: MatrixRow): string {
  const all = policyResources.filter(({ scope }) => namespace === null || scope === "Namespaced");
  return all.every(({ plural }) => kinds.includes(plural)) ? "all policies" : kinds.join(" ");
}

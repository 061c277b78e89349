import assert from "node:assert/strict";
import { admissionPlan } from "../../../controls/taxonomy/plan.ts";
import { presentTaxonomy } from "../../../controls/taxonomy/present.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { taxonomyLabel } from "../../../policy/taxonomy/admission.ts";

const taxonomy = (
  name: string,
  key: object = { key: "x", action: "Deny", appliesTo: ["Node"], values: [{ value: "a" }] },
) =>
  presentTaxonomy({
    apiVersion: "controls.sluice.dev/v1alpha1",
    kind: "LabelTaxonomy",
    metadata: { name },
    spec: { keys: [key] },
  });
const present = (kind: "Policy" | "PolicyBinding", name: string, owner: string): KubeObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: `ValidatingAdmission${kind}`,
  metadata: { name, labels: { [taxonomyLabel]: owner } },
});
const both = (name: string, owner: string) => [present("Policy", name, owner), present("PolicyBinding", name, owner)];
const named = (objects: Iterable<KubeObject>) => [...objects].map(({ kind, metadata }) => `${kind} ${metadata.name}`);

describe("plan of admission policies", () => {
  it("applies policies before their bindings", () => {
    assert.deepEqual(named(admissionPlan([taxonomy("t")], []).apply.get("t") ?? []), [
      "ValidatingAdmissionPolicy sluice-labels-t-nodes-deny",
      "ValidatingAdmissionPolicyBinding sluice-labels-t-nodes-deny",
    ]);
  });

  for (const { title, taxonomies, there, removed } of [
    {
      title: "leaves what is wanted",
      taxonomies: [taxonomy("t")],
      there: both("sluice-labels-t-nodes-deny", "t"),
      removed: [],
    },
    {
      title: "removes what a taxonomy does not ask for any more, bindings first",
      taxonomies: [taxonomy("t")],
      there: both("sluice-labels-t-nodes-warn", "t"),
      removed: [
        "ValidatingAdmissionPolicyBinding sluice-labels-t-nodes-warn",
        "ValidatingAdmissionPolicy sluice-labels-t-nodes-warn",
      ],
    },
    {
      title: "removes all of a taxonomy that is gone",
      taxonomies: [],
      there: [present("Policy", "p", "gone")],
      removed: ["ValidatingAdmissionPolicy p"],
    },
    {
      title: "leaves what there is of a taxonomy that cannot be read",
      taxonomies: [taxonomy("t", { key: "a b" })],
      there: both("p", "t"),
      removed: [],
    },
  ])
    it(title, () => assert.deepEqual(named(admissionPlan(taxonomies, there).remove), removed));
});

import type { KubeObject } from "../../core/kube/objects.ts";

const required = (kind: string, rest: object = {}) => ({ required: [{ kind, ...rest }] });

/** A taxonomy of which every part is used, for tests. */
export const company: KubeObject = {
  apiVersion: "controls.sluice.dev/v1alpha1",
  kind: "LabelTaxonomy",
  metadata: { name: "company" },
  spec: {
    keys: [
      {
        key: "team",
        appliesTo: ["Pod", "Namespace"],
        values: [{ value: "shop" }, { value: "payments", setters: { groups: ["payments-leads"] } }],
        action: "Deny",
        approval: { by: "carla", date: "2026-11-30" },
      },
      { key: "example.com/stage", pattern: "dev|prod|test-[0-9]+", appliesTo: ["Pod"], action: "Warn" },
      {
        key: "cost-center",
        appliesTo: ["Pod", "Namespace"],
        setters: { users: ["ann"], serviceAccounts: [{ namespace: "ci", name: "deployer" }] },
        action: "Deny",
        ...required("Pod", { namespaceSelector: "regulated == 'yes'", selector: "tier != 'test'" }),
      },
      {
        key: "example.com/pool",
        appliesTo: ["Node"],
        values: [{ value: "general" }, { value: "pci", setters: { groups: ["platform"] } }],
        action: "Deny",
        ...required("Node"),
      },
      { key: "level", appliesTo: ["Namespace"], setters: { groups: ["platform"] }, action: "Deny" },
    ],
  },
};

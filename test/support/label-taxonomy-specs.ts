import { company } from "./company-taxonomy.ts";

const key = (fields: object) => ({ keys: [{ key: "team", action: "Deny", ...fields }] });

/** Specs of a LabelTaxonomy that the CRD and the parser take, and that both refuse. */
export const labelTaxonomySpecs: { readonly good: readonly object[]; readonly bad: readonly object[] } = {
  good: [
    company["spec"] as object,
    key({}),
    key({ values: [{ value: "" }] }),
    key({ key: "example.com/team", description: "who answers for it", appliesTo: ["Node"] }),
    key({ approval: { by: "Carla Ünal <carla@example.com>", date: "2026-11-30" } }),
  ],
  bad: [
    {},
    { keys: [] },
    { keys: {} },
    { keys: [{ key: "team" }] },
    { keys: [{ action: "Deny" }] },
    key({ key: "a b" }),
    key({ key: "/a" }),
    key({ key: `${"a".repeat(64)}` }),
    key({ action: "Refuse" }),
    key({ appliesTo: [] }),
    key({ appliesTo: ["Pods"] }),
    key({ values: [] }),
    key({ values: ["a"] }),
    key({ values: [{ value: "a b" }] }),
    key({ values: Array.from({ length: 129 }, (_, i) => ({ value: `v${i}` })) }),
    key({ pattern: "" }),
    key({ pattern: "x".repeat(257) }),
    key({ required: [{}] }),
    key({ required: [{ kind: "Deployment" }] }),
    key({ required: [{ kind: "Pod", selector: "" }] }),
    key({ setters: { users: [""] } }),
    key({ setters: { groups: ["a\nb"] } }),
    key({ setters: { serviceAccounts: [{ namespace: "a" }] } }),
    key({ setters: { serviceAccounts: [{ namespace: "a:b", name: "c" }] } }),
    key({ setters: { everybody: true } }),
    key({ approval: { date: "2026-11-30" } }),
    key({ approval: { by: "carla", date: "30.11.2026" } }),
  ],
};

import assert from "node:assert/strict";
import { type MatrixRow, tierMatrix } from "../../../controls/rbac/matrix.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { policyResources } from "../../../policy/kinds/custom-resources.ts";
import { bound, clusterRole, rule } from "../../support/rbac.ts";

const tiers = ["security", "app", "default"];
const kinds = policyResources.map(({ plural }) => plural);
const writing = ["create", "update", "delete"];
const base = [clusterRole("base", rule(kinds, ["create", "patch", "deletecollection"]))];
const getApp = clusterRole("get-app", rule(["tiers"], ["get"], ["app"]));
const editApp = clusterRole("edit-app", rule(["tier.networkpolicies"], writing, ["app.*"]));
const ann = {
  subject: "User ann",
  tier: "app",
  namespace: "shop",
  kinds: ["networkpolicies"],
  verbs: writing,
  policies: null,
};

describe("controls/rbac/matrix", () => {
  const cases: readonly { title: string; objects: readonly KubeObject[]; rows: readonly object[] }[] = [
    {
      title: "who has all that it takes may",
      objects: [
        ...base,
        getApp,
        editApp,
        bound("base", "user:ann"),
        bound("get-app", "user:ann"),
        bound("edit-app", "user:ann", "shop"),
      ],
      rows: [{ ...ann, lacks: [] }],
    },
    {
      title: "a right in a namespace is one of that namespace",
      objects: [
        ...base,
        getApp,
        editApp,
        bound("base", "user:ann", "other"),
        bound("get-app", "user:ann"),
        bound("edit-app", "user:ann", "shop"),
      ],
      rows: [{ ...ann, lacks: ["the verb on the kind"] }],
    },
    {
      title: "what everybody has counts for each",
      objects: [
        ...base,
        getApp,
        editApp,
        bound("base", "group:system:authenticated"),
        bound("get-app", "group:system:authenticated"),
        bound("edit-app", "user:ann", "shop"),
      ],
      rows: [{ ...ann, lacks: [] }],
    },
    {
      title: "what is missing is told",
      objects: [editApp, bound("edit-app", "user:ann", "shop")],
      rows: [{ ...ann, lacks: ["get on the tier", "the verb on the kind"] }],
    },
    {
      title: "a policy that is granted by name is the only one",
      objects: [
        clusterRole("one", rule(["tier.networkpolicies"], ["update"], ["app.web", "security.x"])),
        ...base,
        getApp,
        bound("base", "user:ann"),
        bound("get-app", "user:ann"),
        bound("one", "user:ann", "shop"),
      ],
      rows: [
        { ...ann, tier: "security", verbs: ["update"], policies: ["security.x"], lacks: ["get on the tier"] },
        { ...ann, verbs: ["update"], policies: ["app.web"], lacks: [] },
      ],
    },
    {
      title: "what is the same in every tier is told once",
      objects: [clusterRole("all", { apiGroups: ["*"], resources: ["*"], verbs: ["*"] }), bound("all", "group:admins")],
      rows: [["tiers"], kinds].map((list) => ({
        ...{ subject: "Group admins", tier: null, namespace: null, verbs: writing, policies: null, lacks: [] },
        kinds: list,
      })),
    },
    {
      title: "the tier itself stands by itself",
      objects: [clusterRole("reorder", rule(["tiers"], ["patch"], ["app"])), bound("reorder", "user:ann")],
      rows: [{ ...ann, namespace: null, kinds: ["tiers"], verbs: ["update"], lacks: [] }],
    },
    { title: "a role that is not there gives nothing", objects: [bound("lost", "user:ann")], rows: [] },
    { title: "a role that nobody has gives nothing", objects: [editApp], rows: [] },
    {
      title: "rights on other groups give nothing",
      objects: [
        clusterRole("k", { ...rule(["tier.networkpolicies"], ["*"]), apiGroups: ["example.com"] }),
        bound("k", "user:ann"),
      ],
      rows: [],
    },
  ];
  for (const { title, objects, rows } of cases)
    it(title, () => assert.deepEqual(tierMatrix(objects, tiers), rows as readonly MatrixRow[]));

  it("tells service accounts with their namespace", () => {
    const binding = {
      ...bound("edit-app", "user:x", "shop"),
      subjects: [{ kind: "ServiceAccount", name: "argo", namespace: "gitops" }],
    };
    assert.equal(tierMatrix([editApp, binding], tiers)[0]?.subject, "ServiceAccount gitops/argo");
  });

  it("takes objects as broken as they come", () => {
    const broken = [
      { ...editApp, rules: "x" },
      { ...editApp, rules: [null, {}] },
      { ...bound("edit-app", "user:a"), subjects: 7 },
      { ...bound("x", "user:a"), roleRef: null },
    ];
    assert.deepEqual(tierMatrix(broken, tiers), []);
  });
});

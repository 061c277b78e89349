import type { ChangingVerb } from "../../controls/rbac/needed.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { builtInTiers } from "../../policy/kinds/tier.ts";
import { bound, clusterRole, rule } from "../support/rbac.ts";

// Who may do what of policies, tiers and rights, as tables: each a request and its status.

export const api = "/apis/projectcalico.org/v3";
export const rbac = "/apis/rbac.authorization.k8s.io/v1";
export const inNamespace = (namespace: string, plural = "networkpolicies") =>
  `${api}/namespaces/${namespace}/${plural}`;
export const shop = inNamespace("shop");
const other = inNamespace("other");
const globals = `${api}/globalnetworkpolicies`;
const tiers = `${api}/tiers`;
export const admission = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
export const admissionBindings = admission.replace(/policies$/, "policybindings");

export const named = (kind: string, name: string, spec: object = {}) => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name },
  spec,
});
export const policy = (name: string, tier?: string) => named("NetworkPolicy", name, tier === undefined ? {} : { tier });
export const globalPolicy = (name: string, tier: string) => named("GlobalNetworkPolicy", name, { tier });

// Who is who: sec writes tier security everywhere, app tier app in shop, one may update app.allow-web only, none has the verbs on the kinds and no
// tier, plat the tiers themselves; trick has a grant by the name of a policy of tier security.
export const users = [
  { name: "sec", groups: ["authors", "security-team"] },
  { name: "app", groups: ["authors", "app-team"] },
  { name: "one", groups: ["authors"] },
  { name: "none", groups: ["authors"] },
  { name: "plat", groups: ["platform-team"] },
  { name: "trick", groups: ["authors"] },
  { name: "later", groups: ["authors"] },
  { name: "climber", groups: ["authors"] },
  { name: "aud", groups: [] },
  { name: "team", groups: [] },
];

const tiered = policyResources.map(({ plural }) => plural);
const allVerbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const writing = ["create", "update", "delete"];
const rbacKinds = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"];
const rbacRule = {
  apiGroups: ["rbac.authorization.k8s.io"],
  resources: rbacKinds,
  verbs: ["create", "update", "patch"],
};

export const rights: readonly KubeObject[] = [
  clusterRole("authors", rule(tiered, allVerbs)),
  bound("authors", "group:authors"),
  bound("sluice-security", "group:security-team"),
  bound("sluice-platform", "group:platform-team"),
  bound("sluice-auditor", "user:aud"),
  bound("sluice-app-team", "user:team", "shop"),
  bound("sluice-app-team-tiers", "user:team"),
  clusterRole("tier-app-get", rule(["tiers"], ["get"], ["app"])),
  bound("tier-app-get", "group:app-team"),
  bound("tier-app-get", "user:one"),
  clusterRole("tier-app-edit", rule(["tier.networkpolicies", "tier.stagednetworkpolicies"], writing, ["app.*"])),
  bound("tier-app-edit", "group:app-team", "shop"),
  clusterRole("tier-app-one", rule(["tier.networkpolicies"], ["update"], ["app.allow-web"])),
  bound("tier-app-one", "user:one", "shop"),
  clusterRole("trick", rule(["tiers"], ["get"]), rule(["tier.networkpolicies"], writing, ["security.x"])),
  bound("trick", "user:trick"),
  clusterRole("climber", rbacRule),
  bound("climber", "user:climber"),
];

export interface Case {
  readonly title: string;
  readonly as: string;
  readonly ask: readonly [method: string, path: string, body?: object, type?: string];
  readonly status: number;
  readonly says?: RegExp;
}

const merge = "application/merge-patch+json";
const serverSide = "application/apply-patch+yaml";
const applied = (path: string) => `${path}?fieldManager=test&force=true`;

export const writes: readonly Case[] = [
  { title: "sec creates in its tier", as: "sec", ask: ["POST", shop, policy("security.new", "security")], status: 201 },
  { title: "… in any namespace", as: "sec", ask: ["POST", other, policy("security.new", "security")], status: 201 },
  { title: "… a global one", as: "sec", ask: ["POST", globals, globalPolicy("security.new", "security")], status: 201 },
  {
    title: "… a staged one",
    as: "sec",
    ask: [
      "POST",
      inNamespace("shop", "stagednetworkpolicies"),
      named("StagedNetworkPolicy", "security.new", { tier: "security" }),
    ],
    status: 201,
  },
  {
    title: "… a staged global one",
    as: "sec",
    ask: [
      "POST",
      `${api}/stagedglobalnetworkpolicies`,
      named("StagedGlobalNetworkPolicy", "security.new", { tier: "security" }),
    ],
    status: 201,
  },
  {
    title: "sec may not in tier app",
    as: "sec",
    ask: ["POST", shop, policy("app.x", "app")],
    status: 403,
    says: /User \\"sec\\" cannot create networkpolicies.*in tier \\"app\\" \(user cannot get tier\)/,
  },
  { title: "… nor in tier default", as: "sec", ask: ["POST", shop, policy("default.x", "default")], status: 403 },
  { title: "… nor where the tier is left out", as: "sec", ask: ["POST", shop, policy("default.x")], status: 403 },
  { title: "… nor where the tier is empty", as: "sec", ask: ["POST", shop, policy("default.x", "")], status: 403 },
  {
    title: "… nor stage a Kubernetes policy, which stands in tier default",
    as: "sec",
    ask: [
      "POST",
      inNamespace("shop", "stagedkubernetesnetworkpolicies"),
      named("StagedKubernetesNetworkPolicy", "x", { podSelector: {} }),
    ],
    status: 403,
    says: /in tier \\"default\\"/,
  },
  {
    title: "app creates in its tier and namespace",
    as: "app",
    ask: ["POST", shop, policy("app.new", "app")],
    status: 201,
  },
  {
    title: "… a staged one",
    as: "app",
    ask: [
      "POST",
      inNamespace("shop", "stagednetworkpolicies"),
      named("StagedNetworkPolicy", "app.new", { tier: "app" }),
    ],
    status: 201,
  },
  { title: "app may not in another namespace", as: "app", ask: ["POST", other, policy("app.new", "app")], status: 403 },
  {
    title: "… nor a global one in its tier",
    as: "app",
    ask: ["POST", globals, globalPolicy("app.base", "app")],
    status: 403,
  },
  {
    title: "… nor in tier security",
    as: "app",
    ask: ["POST", shop, policy("security.hole", "security")],
    status: 403,
    says: /cannot get tier/,
  },
  { title: "who has no tier may nothing", as: "none", ask: ["POST", shop, policy("app.y", "app")], status: 403 },
  {
    title: "who may update may not create",
    as: "one",
    ask: ["POST", shop, policy("app.allow-web2", "app")],
    status: 403,
  },
  {
    title: "a name carries its tier",
    as: "admin",
    ask: ["POST", shop, policy("deny", "security")],
    status: 422,
    says: /must begin with \\"security\.\\"/,
  },
  {
    title: "… but in tier default it need not",
    as: "admin",
    ask: ["POST", shop, policy("deny", "default")],
    status: 201,
  },
  {
    title: "… and cannot look as if of another",
    as: "admin",
    ask: ["POST", shop, policy("security.x", "default")],
    status: 422,
  },
  {
    title: "the server may make up the name",
    as: "app",
    ask: ["POST", shop, { ...policy("", "app"), metadata: { generateName: "app.gen-" } }],
    status: 201,
  },
  {
    title: "app patches its own",
    as: "app",
    ask: ["PATCH", `${shop}/app.allow-web`, { spec: { order: 5 } }, merge],
    status: 200,
  },
  {
    title: "app applies its own",
    as: "app",
    ask: ["PATCH", applied(`${shop}/app.allow-web`), policy("app.allow-web", "app"), serverSide],
    status: 200,
  },
  {
    title: "app applies one that is not there",
    as: "app",
    ask: ["PATCH", applied(`${shop}/app.ssa`), policy("app.ssa", "app"), serverSide],
    status: 201,
  },
  {
    title: "app may not apply one into tier security",
    as: "app",
    ask: ["PATCH", applied(`${shop}/security.ssa`), policy("security.ssa", "security"), serverSide],
    status: 403,
  },
  {
    title: "one patches what was granted by name",
    as: "one",
    ask: ["PATCH", `${shop}/app.allow-web`, { spec: { order: 7 } }, merge],
    status: 200,
  },
  {
    title: "… and no other",
    as: "one",
    ask: ["PATCH", `${shop}/app.other`, { spec: { order: 7 } }, merge],
    status: 403,
  },
  { title: "… and may not delete it", as: "one", ask: ["DELETE", `${shop}/app.allow-web`], status: 403 },
  {
    title: "app may not patch what is of tier security",
    as: "app",
    ask: ["PATCH", `${shop}/security.deny`, { spec: { order: 1 } }, merge],
    status: 403,
  },
  {
    title: "… nor its labels",
    as: "app",
    ask: ["PATCH", `${shop}/security.deny`, { metadata: { labels: { a: "b" } } }, merge],
    status: 403,
  },
  {
    title: "… nor its owners",
    as: "app",
    ask: [
      "PATCH",
      `${shop}/security.deny`,
      { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x" }] } },
      merge,
    ],
    status: 403,
  },
  {
    title: "app may not pull it into its tier",
    as: "app",
    ask: ["PATCH", `${shop}/security.deny`, { spec: { tier: "app" } }, merge],
    status: 422,
    says: /cannot move from tier|stays in its tier/,
  },
  {
    title: "app may not delete what is of tier security",
    as: "app",
    ask: ["DELETE", `${shop}/security.deny`],
    status: 403,
  },
  { title: "… nor everything", as: "app", ask: ["DELETE", shop], status: 403 },
  {
    title: "app deletes all of its tier",
    as: "app",
    ask: ["DELETE", `${shop}?fieldSelector=spec.tier%3Dapp`],
    status: 200,
  },
  { title: "sec deletes its own", as: "sec", ask: ["DELETE", `${other}/security.deny`], status: 200 },
  { title: "… the global one too", as: "sec", ask: ["DELETE", `${globals}/security.base`], status: 200 },
  {
    title: "a name granted in its tier",
    as: "trick",
    ask: ["POST", shop, policy("security.x", "security")],
    status: 201,
  },
  {
    title: "… is of no use for another name",
    as: "trick",
    ask: ["POST", shop, policy("security.y", "security")],
    status: 403,
  },
  {
    title: "a Kubernetes NetworkPolicy is none of it",
    as: "admin",
    ask: [
      "POST",
      "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies",
      { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "k" }, spec: { podSelector: {} } },
    ],
    status: 201,
  },
  {
    title: "unknown fields are refused on demand",
    as: "admin",
    ask: ["POST", `${shop}?fieldValidation=Strict`, named("NetworkPolicy", "app.z", { tier: "app", nonsense: 1 })],
    status: 400,
    says: /unknown field/,
  },
  {
    title: "an action that is none is refused",
    as: "admin",
    ask: ["POST", shop, named("NetworkPolicy", "app.z", { tier: "app", ingress: [{ action: "Maybe" }] })],
    status: 422,
    says: /Unsupported value/,
  },
  { title: "admission does not limit reads", as: "none", ask: ["GET", `${shop}/security.deny`], status: 200 },
  {
    title: "… also not of one tier",
    as: "none",
    ask: ["GET", `${shop}?fieldSelector=spec.tier%3Dsecurity`],
    status: 200,
  },
];

/** What holds where the CRD says nothing of moves, as one of somebody else may not. */
export const moves: readonly Case[] = [
  {
    title: "nobody moves a policy",
    as: "admin",
    ask: ["PATCH", `${globals}/security.base`, { spec: { tier: "app" } }, merge],
    status: 422,
    says: /cannot move from tier \\"security\\" to tier \\"app\\"/,
  },
  {
    title: "… nor by taking its tier away",
    as: "admin",
    ask: ["PATCH", `${globals}/security.base`, { spec: { tier: null } }, merge],
    status: 422,
    says: /cannot move from tier \\"security\\" to tier \\"default\\"/,
  },
];

/** What holds where names need not carry their tier. */
export const unnamed: readonly Case[] = [
  {
    title: "a name granted in its tier",
    as: "trick",
    ask: ["POST", shop, policy("security.x", "security")],
    status: 201,
  },
  { title: "… is of no use in another", as: "trick", ask: ["POST", shop, policy("security.x", "app")], status: 403 },
  {
    title: "a right in a tier is one on any name",
    as: "sec",
    ask: ["POST", shop, policy("plain", "security")],
    status: 201,
  },
  {
    title: "no right in a tier is none on any name",
    as: "app",
    ask: ["POST", shop, policy("plain", "security")],
    status: 403,
  },
  {
    title: "… nor on one that begins as its own tier",
    as: "app",
    ask: ["POST", shop, policy("app.x", "security")],
    status: 403,
  },
];

const order = (value: number) => ({ spec: { order: value } });
export const ofTiers: readonly Case[] = [
  { title: "plat makes a tier", as: "plat", ask: ["POST", tiers, named("Tier", "new", { order: 50 })], status: 201 },
  { title: "plat reorders a tier", as: "plat", ask: ["PATCH", `${tiers}/app`, order(10), merge], status: 200 },
  { title: "plat deletes a tier", as: "plat", ask: ["DELETE", `${tiers}/app`], status: 200 },
  {
    title: "sec may not reorder its own tier",
    as: "sec",
    ask: ["PATCH", `${tiers}/security`, order(10), merge],
    status: 403,
  },
  {
    title: "… nor apply it",
    as: "sec",
    ask: ["PATCH", applied(`${tiers}/security`), named("Tier", "security", { order: 1 }), serverSide],
    status: 403,
  },
  {
    title: "app may not reorder its own tier",
    as: "app",
    ask: ["PATCH", `${tiers}/app`, order(10), merge],
    status: 403,
  },
  { title: "… nor delete another", as: "app", ask: ["DELETE", `${tiers}/security`], status: 403 },
  { title: "… nor all", as: "app", ask: ["DELETE", tiers], status: 403 },
  ...builtInTiers.flatMap(({ name, order: fixed }): readonly Case[] => [
    {
      title: `nobody deletes tier ${name}`,
      as: "admin",
      ask: ["DELETE", `${tiers}/${name}`],
      status: 403,
      says: /is built in and cannot be deleted/,
    },
    {
      title: `nobody reorders tier ${name}`,
      as: "admin",
      ask: ["PATCH", `${tiers}/${name}`, order(fixed + 1), merge],
      status: 422,
      says: /is built in: its order is|has order/,
    },
    {
      title: `nobody turns tier ${name} round`,
      as: "admin",
      ask: ["PATCH", `${tiers}/${name}`, { spec: { defaultAction: name === "default" ? "Pass" : "Deny" } }, merge],
      status: 422,
    },
    {
      title: `tier ${name} may be labelled`,
      as: "plat",
      ask: ["PATCH", `${tiers}/${name}`, { metadata: { labels: { a: "b" } } }, merge],
      status: 200,
    },
  ]),
  {
    title: "nobody deletes all tiers",
    as: "admin",
    ask: ["DELETE", tiers],
    status: 403,
    says: /is built in and cannot be deleted/,
  },
  {
    title: "plat may not take the finalizer off",
    as: "plat",
    ask: ["PATCH", `${tiers}/security`, { metadata: { finalizers: [] } }, merge],
    status: 403,
    says: /cannot take the finalizer/,
  },
  {
    title: "… but change other things of a tier that has it",
    as: "plat",
    ask: ["PATCH", `${tiers}/security`, { metadata: { labels: { a: "b" } } }, merge],
    status: 200,
  },
  {
    title: "who may finalize may",
    as: "admin",
    ask: ["PATCH", `${tiers}/security`, { metadata: { finalizers: [] } }, merge],
    status: 200,
  },
];

export const roles: readonly Case[] = [
  { title: "platform writes in any tier", as: "plat", ask: ["POST", shop, policy("app.p", "app")], status: 201 },
  {
    title: "… in a built-in one too",
    as: "plat",
    ask: ["POST", globals, globalPolicy("default.p", "default")],
    status: 201,
  },
  { title: "a team writes in its namespace", as: "team", ask: ["POST", shop, policy("app.t", "app")], status: 201 },
  { title: "… without a tier", as: "team", ask: ["POST", shop, policy("t")], status: 201 },
  {
    title: "… stages a Kubernetes policy",
    as: "team",
    ask: [
      "POST",
      inNamespace("shop", "stagedkubernetesnetworkpolicies"),
      named("StagedKubernetesNetworkPolicy", "t", { podSelector: {} }),
    ],
    status: 201,
  },
  { title: "… but nowhere else", as: "team", ask: ["POST", other, policy("app.t", "app")], status: 403 },
  { title: "… and in no other tier", as: "team", ask: ["POST", shop, policy("security.t", "security")], status: 403 },
  { title: "… and nothing global", as: "team", ask: ["POST", globals, globalPolicy("app.t", "app")], status: 403 },
  {
    title: "… nor a network set for all",
    as: "team",
    ask: ["POST", `${api}/globalnetworksets`, named("GlobalNetworkSet", "t")],
    status: 403,
  },
  { title: "an auditor reads policies", as: "aud", ask: ["GET", globals], status: 200 },
  { title: "… tiers", as: "aud", ask: ["GET", `${tiers}/app`], status: 200 },
  { title: "… what guards them", as: "aud", ask: ["GET", admission], status: 200 },
  { title: "… and who may what", as: "aud", ask: ["GET", `${rbac}/clusterrolebindings`], status: 200 },
  { title: "… and writes nothing", as: "aud", ask: ["POST", shop, policy("app.a", "app")], status: 403 },
  { title: "… and reads no secrets", as: "aud", ask: ["GET", "/api/v1/secrets"], status: 403 },
];

const all = [{ apiGroups: ["projectcalico.org"], resources: ["*"], verbs: ["*"] }];
const role = (name: string) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name },
});
const mine = (roleName: string, user: string) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: `mine-${roleName}` },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: roleName },
  subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: user }],
});
const label = "controls.sluice.dev/aggregate-to-security";
export const attempts: readonly Case[] = [
  {
    title: "app may not touch the admission policy",
    as: "app",
    ask: ["DELETE", `${admission}/tier-rbac.projectcalico.org`],
    status: 403,
  },
  {
    title: "… nor unbind it",
    as: "app",
    ask: ["DELETE", `${admissionBindings}/tier-rbac.projectcalico.org`],
    status: 403,
  },
  {
    title: "… nor change the CRD",
    as: "app",
    ask: [
      "PATCH",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/networkpolicies.projectcalico.org",
      {},
      merge,
    ],
    status: 403,
  },
  {
    title: "… nor bind a role to itself",
    as: "app",
    ask: ["POST", `${rbac}/clusterrolebindings`, mine("sluice-security", "app")],
    status: 403,
  },
  {
    title: "who may write roles makes none with more than it has",
    as: "climber",
    ask: ["POST", `${rbac}/clusterroles`, { ...role("mine"), rules: all }],
    status: 403,
    says: /attempting to grant RBAC permissions not currently held/,
  },
  {
    title: "… nor by a part of a role that gathers others",
    as: "climber",
    ask: [
      "POST",
      `${rbac}/clusterroles`,
      { ...role("part"), metadata: { name: "part", labels: { [label]: "true" } }, rules: all },
    ],
    status: 403,
  },
  {
    title: "… nor makes one that gathers others",
    as: "climber",
    ask: [
      "POST",
      `${rbac}/clusterroles`,
      { ...role("gather"), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: "true" } }] } },
    ],
    status: 403,
  },
  {
    title: "… nor binds one",
    as: "climber",
    ask: ["POST", `${rbac}/clusterrolebindings`, mine("sluice-security", "climber")],
    status: 403,
  },
  {
    title: "… nor widens its own",
    as: "climber",
    ask: ["PATCH", `${rbac}/clusterroles/climber`, { rules: all }, merge],
    status: 403,
  },
  {
    title: "nobody of them acts as another",
    as: "app",
    ask: ["POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { spec: { user: "sec" } }],
    status: 403,
  },
];

const shortKinds: Readonly<Record<string, string>> = {
  networkpolicies: "np",
  globalnetworkpolicies: "gnp",
  stagednetworkpolicies: "snp",
  stagedglobalnetworkpolicies: "sgnp",
  stagedkubernetesnetworkpolicies: "sknp",
};
const methodVerbs: Readonly<Record<string, ChangingVerb>> = { POST: "create", PATCH: "patch", DELETE: "delete" };

const policyPath = /^\/apis\/projectcalico\.org\/v3(?:\/namespaces\/(\w+))?\/(\w+)(?:\/([^?]+))?$/;

/** What a request comes to, as one asks for it; undefined if it is about no single policy. */
export function questionOf([method, path, body, type]: Case["ask"]) {
  const [, namespace, plural, name = (body as KubeObject | undefined)?.metadata?.name] = policyPath.exec(path) ?? [];
  const verb = methodVerbs[method];
  if (plural === undefined || verb === undefined || !name || type === serverSide) return undefined;
  return { verb, policy: `${shortKinds[plural]}:${namespace === undefined ? "" : `${namespace}/`}${name}` };
}

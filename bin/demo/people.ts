import type { KubeObject } from "../../core/kube/objects.ts";
import type { ApiUser } from "../../lab/api-server/api-server.ts";

// Two people with rights of their own, what they try, and when. One of them is refused, and does then what she may, but not as agreed.

const security = "security-team";
const shop = "shop-team";

export const people: readonly ApiUser[] = [
  { name: "sam", groups: [security] },
  { name: "ada", groups: [shop] },
];

const rbac = "rbac.authorization.k8s.io";
const inGroup = (name: string) => [{ apiGroup: rbac, kind: "Group", name }];
const roleOf = (name: string) => ({ apiGroup: rbac, kind: "ClusterRole", name });

/** As docs/tiers-and-rbac.md says. */
export const rightsOfPeople: readonly KubeObject[] = [
  {
    ...{ apiVersion: `${rbac}/v1`, kind: "ClusterRoleBinding", metadata: { name: security } },
    ...{ roleRef: roleOf("sluice-security"), subjects: inGroup(security) },
  },
  {
    ...{ apiVersion: `${rbac}/v1`, kind: "ClusterRoleBinding", metadata: { name: shop } },
    ...{ roleRef: roleOf("sluice-app-team-tiers"), subjects: inGroup(shop) },
  },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "prod-shop" } },
  {
    ...{ apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata: { name: shop, namespace: "prod-shop" } },
    ...{ roleRef: roleOf("sluice-app-team"), subjects: inGroup(shop) },
  },
];

/** The security team may change its tier at any time; whoever changes an application's policies says which ticket asks for it. */
export const rulesAboutChanges: readonly KubeObject[] = [
  {
    ...{ apiVersion: "controls.sluice.dev/v1alpha1", kind: "ChangePolicy", metadata: { name: "security" } },
    spec: { appliesTo: [{ tiers: ["security"] }], allow: [{ actors: { groups: [security] } }] },
  },
  {
    ...{ apiVersion: "controls.sluice.dev/v1alpha1", kind: "ChangePolicy", metadata: { name: "applications" } },
    spec: {
      appliesTo: [{ tiers: ["app"] }],
      allow: [{ ticket: { annotation: "example.com/ticket", pattern: "SHOP-[0-9]{1,6}" } }],
    },
  },
];

/** One request of a person. */
export interface Deed {
  readonly atMs: number;
  readonly who: string;
  /** In words: "locks down the payments gateway". */
  readonly does: string;
  readonly method: "POST" | "DELETE";
  readonly path: string;
  readonly body?: KubeObject;
}

const policies = (namespace: string) => `/apis/projectcalico.org/v3/namespaces/${namespace}/networkpolicies`;

function policy(namespace: string, name: string, spec: object): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind: "NetworkPolicy", metadata: { namespace, name }, spec };
}

const lockdown = policy("payments", "security.lockdown", {
  ...{ tier: "security", order: 5, selector: "app == 'gateway'", types: ["Ingress"] },
  ingress: [{ action: "Deny", source: { namespaceSelector: "zone == 'dmz'" } }],
});

const opened = policy("prod-shop", "app.cart-for-all", {
  ...{ tier: "app", order: 5, selector: "app == 'cart'", types: ["Ingress"] },
  ingress: [{ action: "Allow", protocol: "TCP", destination: { ports: [8080] } }],
});

export const deeds: readonly Deed[] = [
  {
    ...{ atMs: 5_000, who: "sam", does: "cuts the payments gateway off from the web" },
    ...{ method: "POST", path: policies("payments"), body: lockdown },
  },
  {
    ...{ atMs: 9_000, who: "ada", does: "tries to take that away" },
    ...{ method: "DELETE", path: `${policies("payments")}/security.lockdown` },
  },
  {
    ...{ atMs: 13_000, who: "ada", does: "opens cart to everybody, and names no ticket" },
    ...{ method: "POST", path: policies("prod-shop"), body: opened },
  },
  {
    ...{ atMs: 21_000, who: "sam", does: "gives the web back its way to the payments gateway" },
    ...{ method: "DELETE", path: `${policies("payments")}/security.lockdown` },
  },
];

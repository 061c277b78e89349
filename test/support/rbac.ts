import type { KubeObject } from "../../core/kube/objects.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";
const apiGroup = "rbac.authorization.k8s.io";

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Of projectcalico.org. */
export function rule(resources: readonly string[], verbs: readonly string[], resourceNames?: readonly string[]): Rule {
  return { apiGroups: ["projectcalico.org"], resources, verbs, ...(resourceNames && { resourceNames }) };
}

export function clusterRole(name: string, ...rules: readonly Rule[]): KubeObject {
  return { apiVersion, kind: "ClusterRole", metadata: { name }, rules };
}

/** Binds a ClusterRole to `user:NAME` or `group:NAME`; in one namespace if one is given. */
export function bound(role: string, who: string, namespace?: string): KubeObject {
  const [sort, name] = [who.slice(0, who.indexOf(":")), who.slice(who.indexOf(":") + 1)];
  return {
    apiVersion,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name: `${role}-${sort}-${name}`, ...(namespace !== undefined && { namespace }) },
    roleRef: { apiGroup, kind: "ClusterRole", name: role },
    subjects: [{ kind: sort === "user" ? "User" : "Group", apiGroup, name }],
  };
}

export function namespaceObject(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

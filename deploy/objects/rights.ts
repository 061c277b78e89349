import { ownLabels } from "../../policy/crd.ts";
import { customResources } from "../../policy/kinds/custom-resources.ts";
import type { Component } from "./component.ts";
import { labelsOf } from "./labels.ts";
import { nameOf, readerRole } from "./names.ts";
import { type Fields, namespace } from "./template.ts";

/** What is listed and watched: by API group, which resources. */
export const readResources: Readonly<Record<string, readonly string[]>> = {
  "": ["namespaces", "nodes", "pods", "serviceaccounts"],
  "discovery.k8s.io": ["endpointslices"],
  "networking.k8s.io": ["networkpolicies"],
  "policy.networking.k8s.io": ["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"],
  // Kinds may be installed later, or by somebody else.
  "apiextensions.k8s.io": ["customresourcedefinitions"],
  ...Object.fromEntries(
    [...Map.groupBy(customResources, ({ group }) => group)].map(([group, resources]) => [
      group,
      resources.map(({ plural }) => plural).sort(),
    ]),
  ),
};

/** A reflector lists, then watches (core/kube/api). */
export const readVerbs = ["list", "watch"] as const;

export const clusterRole: Fields = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name: readerRole, labels: ownLabels },
  rules: Object.entries(readResources).map(([group, resources]) => ({
    apiGroups: [group],
    resources,
    verbs: readVerbs,
  })),
};

export function serviceAccount({ name }: Component): Fields {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: nameOf(name), namespace, labels: labelsOf(name) },
    automountServiceAccountToken: false,
  };
}

export function readerBinding({ name }: Component): Fields {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: nameOf(name), labels: labelsOf(name) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: readerRole },
    subjects: [{ kind: "ServiceAccount", name: nameOf(name), namespace }],
  };
}

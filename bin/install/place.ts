import type { KubeObject } from "../../core/kube/objects.ts";

/** Tells one object of a cluster. */
export type Reference = Pick<KubeObject, "apiVersion" | "kind"> & {
  readonly metadata: Pick<KubeObject["metadata"], "name" | "namespace">;
};

/** Kinds of which an installation consists, by the names that the API server has for them. */
const plurals: Readonly<Record<string, string>> = {
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  ConfigMap: "configmaps",
  CustomResourceDefinition: "customresourcedefinitions",
  DaemonSet: "daemonsets",
  Deployment: "deployments",
  MutatingAdmissionPolicy: "mutatingadmissionpolicies",
  MutatingAdmissionPolicyBinding: "mutatingadmissionpolicybindings",
  Namespace: "namespaces",
  NetworkPolicy: "networkpolicies",
  PersistentVolumeClaim: "persistentvolumeclaims",
  PodDisruptionBudget: "poddisruptionbudgets",
  PriorityClass: "priorityclasses",
  Service: "services",
  ServiceAccount: "serviceaccounts",
  ServiceMonitor: "servicemonitors",
  Tier: "tiers",
  ValidatingAdmissionPolicy: "validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "validatingadmissionpolicybindings",
};

/** Where the API server has it. */
export function pathOf({ apiVersion, kind, metadata }: Reference): string {
  const plural = plurals[kind];
  if (plural === undefined) throw new Error(`nobody says where objects of kind ${kind} are`);
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const namespace = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${group}${namespace}/${plural}/${metadata.name}`;
}

/** As kubectl calls it: `deployment/sluice-enrich`. */
export function titleOf({ kind, metadata }: Reference): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}

export function referenceTo({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): Reference {
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}

import type { Deed } from "../../core/kube/deed.ts";

/** Where Sluice itself runs: its settings and pods are on record too. */
const ownNamespace = "sluice-system";

const all = /./;
/** Groups and their resources that are controls, or carry labels by which policies find pods and nodes. As in deploy/audit/policy.yaml. */
const resources: ReadonlyMap<string, RegExp> = new Map([
  ["projectcalico.org", all],
  ["controls.sluice.dev", all],
  ["policy.networking.k8s.io", all],
  ["networking.k8s.io", /^networkpolicies$/],
  ["admissionregistration.k8s.io", all],
  ["apiextensions.k8s.io", /^customresourcedefinitions$/],
  ["rbac.authorization.k8s.io", all],
  ["", /^(namespaces|nodes|serviceaccounts|replicationcontrollers)$/],
  ["apps", /^(deployments|statefulsets|daemonsets|replicasets)$/],
  ["batch", /^(jobs|cronjobs)$/],
]);

/**
 * Whether a deed may be somebody's change of a control, or was an attempt at one. Where the API server's audit policy is not ours, it tells
 * of much else.
 */
export function isRecorded({ verb, target: { group, resource, subresource, namespace } }: Deed): boolean {
  if (subresource === "status" || subresource === "token" || subresource === "scale") return false;
  if (resources.get(group)?.test(resource) === true) return true;
  if (group !== "" || (resource !== "pods" && resource !== "configmaps")) return false;
  return (
    namespace === ownNamespace ||
    (resource === "pods" && (verb === "update" || verb === "patch") && subresource === null)
  );
}

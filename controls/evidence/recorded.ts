import type { Deed } from "../../core/kube/deed.ts";

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
 * of much else. Of the namespace where Sluice itself runs settings and pods are on record too.
 */
export function recordedIn(ownNamespace: string): (deed: Deed) => boolean {
  return (deed) => isRecorded(deed, ownNamespace);
}

function isRecorded({ verb, target }: Deed, ownNamespace: string): boolean {
  const { group, resource, subresource, namespace } = target;
  if (subresource === "status" || subresource === "token" || subresource === "scale") return false;
  if (resources.get(group)?.test(resource) === true) return true;
  if (group !== "" || (resource !== "pods" && resource !== "configmaps")) return false;
  return (
    namespace === ownNamespace ||
    (resource === "pods" && (verb === "update" || verb === "patch") && subresource === null)
  );
}

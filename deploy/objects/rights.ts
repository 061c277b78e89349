import { controlResources } from "../../bin/objects/control-resources.ts";
import { resources } from "../../bin/objects/resources.ts";
import type { Resource } from "../../core/kube/api/resource.ts";
import { ownLabels } from "../../policy/crd.ts";
import { toldResources } from "../../policy/kinds/custom-resources.ts";
import type { Component, Right } from "./component.ts";
import { labelsOf } from "./labels.ts";
import { nameOf } from "./names.ts";
import { type Fields, namespace } from "./template.ts";

/** Who reads the cluster: kinds that are installed later are noticed by their definitions (core/kube/api/source.ts). */
export const readerRights: readonly Right[] = reading([
  ...resources,
  { apiVersion: "apiextensions.k8s.io/v1", plural: "customresourcedefinitions" },
]);

/**
 * `sluice watch` beside that: it logs changes, holds tiers (controls/tiers), keeps label taxonomies (controls/taxonomy) and writes status
 * (controls/object-status).
 */
export const watchRights: readonly Right[] = [
  ...reading(controlResources),
  { group: "projectcalico.org", resources: ["tiers"], verbs: ["get", "patch"] },
  // By it deploy/admission/tier-finalizer.yaml lets it take the finalizer off.
  { group: "projectcalico.org", resources: ["tiers/finalizers"], verbs: ["update"] },
  {
    group: "projectcalico.org",
    resources: toldResources.map(({ plural }) => `${plural}/status`).sort(),
    verbs: ["patch"],
  },
  { group: "controls.sluice.dev", resources: ["labeltaxonomies/status"], verbs: ["patch"] },
  {
    group: "admissionregistration.k8s.io",
    resources: ["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
    // Server-side apply of what is not there creates it.
    verbs: ["create", "patch", "delete"],
  },
];

/** What enforces on a node says there what is in force (bin/controls/node-teller.ts). */
export const nodeRights: readonly Right[] = [{ group: "", resources: ["nodes/status"], verbs: ["patch"] }];

/** A reflector lists, then watches. */
function reading(read: readonly Pick<Resource, "apiVersion" | "plural">[]): readonly Right[] {
  const groupOf = ({ apiVersion }: Pick<Resource, "apiVersion">) =>
    apiVersion.includes("/") ? apiVersion.replace(/\/.*/, "") : "";
  return [...Map.groupBy(read, groupOf)].map(([group, all]) => ({
    group,
    resources: [...new Set(all.map(({ plural }) => plural))].sort(),
    verbs: ["list", "watch"],
  }));
}

export function clusterRole(name: string, rights: readonly Right[]): Fields {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name, labels: ownLabels },
    rules: rights.map(({ group, ...right }) => ({ apiGroups: [group], ...right })),
  };
}

/** Gives a component a role. */
export function roleBinding(role: string, { name }: Component, bindingName = nameOf(name)): Fields {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: bindingName, labels: labelsOf(name) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ kind: "ServiceAccount", name: nameOf(name), namespace }],
  };
}

export function serviceAccount({ name }: Component): Fields {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: nameOf(name), namespace, labels: labelsOf(name) },
    automountServiceAccountToken: false,
  };
}

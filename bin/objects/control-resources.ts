import type { Resource } from "../../core/kube/api/resource.ts";
import type { Fields } from "../../core/kube/api/slim.ts";

// What is read of a cluster for the log of changes, beside what policies are about: what protects the policies, and who makes pods.

const written = { manager: true, operation: true, time: true, subresource: true } as const;
const identity = { name: true, namespace: true, uid: true, labels: true, annotations: true } as const;
const metadata = { ...identity, resourceVersion: true, finalizers: true, managedFields: written } as const;

const optional = (apiVersion: string, kind: string, plural: string, fields: Fields): Resource => ({
  ...{ apiVersion, kind, plural, fields: { metadata, ...fields } },
  isRequired: false,
});

const rbac = "rbac.authorization.k8s.io/v1";
const admission = "admissionregistration.k8s.io/v1";

/** Schemas are many and long: that one is another shows by its `generation`. */
const definition: Fields = {
  metadata: { ...metadata, generation: true },
  spec: {
    group: true,
    names: true,
    scope: true,
    conversion: true,
    versions: { name: true, served: true, storage: true },
  },
};

const template: Fields = { metadata: { labels: true }, spec: { serviceAccountName: true } };
const owned = { ...metadata, ownerReferences: { apiVersion: true, kind: true, name: true, controller: true } } as const;

export const controlResources: readonly Resource[] = [
  optional(rbac, "Role", "roles", { rules: true }),
  optional(rbac, "ClusterRole", "clusterroles", { rules: true, aggregationRule: true }),
  optional(rbac, "RoleBinding", "rolebindings", { roleRef: true, subjects: true }),
  optional(rbac, "ClusterRoleBinding", "clusterrolebindings", { roleRef: true, subjects: true }),
  optional(admission, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", { spec: true }),
  optional(admission, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", { spec: true }),
  optional(admission, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", { webhooks: true }),
  optional(admission, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", { webhooks: true }),
  optional("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", definition),
  optional("apps/v1", "Deployment", "deployments", { spec: true }),
  optional("apps/v1", "DaemonSet", "daemonsets", { spec: true }),
  optional("apps/v1", "StatefulSet", "statefulsets", { spec: true }),
  optional("batch/v1", "CronJob", "cronjobs", {
    metadata: owned,
    spec: { jobTemplate: { spec: { template } } },
  }),
];

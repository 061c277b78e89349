import type { Resource } from "../../core/kube/api/resource.ts";
import type { Fields } from "../../core/kube/api/slim.ts";
import { customResources } from "../../policy/kinds/custom-resources.ts";

// What is read of a cluster: the fields that policy/kinds, enrichers and the commands look at.

const identity = { name: true, namespace: true, uid: true, labels: true } as const;
const times = { creationTimestamp: true, deletionTimestamp: true } as const;
/** Which version it is, and what clients called themselves that wrote it. */
const writing = {
  resourceVersion: true,
  managedFields: { manager: true, operation: true, time: true, subresource: true },
} as const;
const ownerReferences = { apiVersion: true, kind: true, name: true, controller: true } as const;

/** Of what people write everything matters, also who wrote it why, and which version it was. */
const control: Fields = {
  metadata: { ...identity, ...times, ...writing, annotations: true, finalizers: true },
  spec: true,
};

const container: Fields = { ports: { name: true, containerPort: true, protocol: true } };

const pod: Fields = {
  metadata: { ...identity, ...times, resourceVersion: true, ownerReferences },
  spec: {
    nodeName: true,
    hostNetwork: true,
    serviceAccountName: true,
    containers: container,
    initContainers: container,
  },
  status: {
    phase: true,
    podIP: true,
    podIPs: { ip: true },
    startTime: true,
    containerStatuses: { state: { terminated: { finishedAt: true } } },
  },
};

const node: Fields = {
  metadata: { ...identity, ...times, ...writing, annotations: true },
  spec: { podCIDR: true, podCIDRs: true },
  // Conditions: what enforcers say of themselves.
  status: { addresses: { type: true, address: true }, conditions: { type: true, status: true, message: true } },
};

const service: Fields = {
  metadata: identity,
  spec: { clusterIP: true, clusterIPs: true, externalIPs: true, selector: true, ports: true },
  status: { loadBalancer: { ingress: { ip: true } } },
};

const endpointSlice: Fields = {
  metadata: identity,
  endpoints: { addresses: true },
  ports: { protocol: true, port: true },
};

const core = (kind: string, plural: string, fields: Fields, apiVersion = "v1"): Resource => ({
  ...{ apiVersion, kind, plural, fields },
  isRequired: true,
});

const optional = (apiVersion: string, kind: string, plural: string, fields: Fields): Resource => ({
  ...{ apiVersion, kind, plural, fields },
  isRequired: false,
});

export const resources: readonly Resource[] = [
  core("Namespace", "namespaces", { metadata: { ...identity, ...times, ...writing } }),
  core("Node", "nodes", node),
  core("Pod", "pods", pod),
  core("ServiceAccount", "serviceaccounts", { metadata: { ...identity, ...writing } }),
  core("Service", "services", service),
  core("EndpointSlice", "endpointslices", endpointSlice, "discovery.k8s.io/v1"),
  core("NetworkPolicy", "networkpolicies", control, "networking.k8s.io/v1"),
  // Who made a pod: without them a pod of a CronJob is named after its Job.
  optional("apps/v1", "ReplicaSet", "replicasets", { metadata: { ...identity, ownerReferences } }),
  optional("batch/v1", "Job", "jobs", { metadata: { ...identity, ownerReferences } }),
  ...customResources.map(({ group, version, kind, plural }) => optional(`${group}/${version}`, kind, plural, control)),
  optional("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "clusternetworkpolicies", control),
  optional("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", control),
  optional("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", control),
];

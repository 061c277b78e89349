/** Where objects of a kind live. `unknown`: a kind of somebody else's, taken as it is written. */
export type Scope = "cluster" | "namespace" | "unknown";

/** Kinds without a namespace, by API group ("" is the core group). Kubernetes 1.34 and Calico v3. */
const clusterKinds: Readonly<Record<string, readonly string[]>> = {
  "": ["ComponentStatus", "Namespace", "Node", "PersistentVolume"],
  "admissionregistration.k8s.io": [
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
  ],
  "apiextensions.k8s.io": ["CustomResourceDefinition"],
  "apiregistration.k8s.io": ["APIService"],
  apps: [],
  autoscaling: [],
  batch: [],
  "certificates.k8s.io": ["CertificateSigningRequest", "ClusterTrustBundle"],
  "controls.sluice.dev": ["ChangePolicy", "LabelTaxonomy"],
  "coordination.k8s.io": [],
  "discovery.k8s.io": [],
  "events.k8s.io": [],
  "flowcontrol.apiserver.k8s.io": ["FlowSchema", "PriorityLevelConfiguration"],
  "networking.k8s.io": ["IPAddress", "IngressClass", "ServiceCIDR"],
  "node.k8s.io": ["RuntimeClass"],
  policy: [],
  "policy.networking.k8s.io": ["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"],
  "projectcalico.org": [
    "BGPConfiguration",
    "BGPFilter",
    "BGPPeer",
    "BlockAffinity",
    "CalicoNodeStatus",
    "ClusterInformation",
    "FelixConfiguration",
    "GlobalAlert",
    "GlobalAlertTemplate",
    "GlobalNetworkPolicy",
    "GlobalNetworkSet",
    "GlobalReport",
    "GlobalReportType",
    "GlobalThreatFeed",
    "HostEndpoint",
    "IPAMConfiguration",
    "IPPool",
    "IPReservation",
    "KubeControllersConfiguration",
    "LicenseKey",
    "ManagedCluster",
    "PolicyRecommendationScope",
    "Profile",
    "RemoteClusterConfiguration",
    "StagedGlobalNetworkPolicy",
    "Tier",
  ],
  "rbac.authorization.k8s.io": ["ClusterRole", "ClusterRoleBinding"],
  "resource.k8s.io": ["DeviceClass", "ResourceSlice"],
  "scheduling.k8s.io": ["PriorityClass"],
  "storage.k8s.io": ["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
};

export function scopeOf(apiVersion: string, kind: string): Scope {
  const slash = apiVersion.indexOf("/");
  const kinds = clusterKinds[slash < 0 ? "" : apiVersion.slice(0, slash)];
  if (kinds === undefined) return "unknown";
  return kinds.includes(kind) ? "cluster" : "namespace";
}

import type { CarrierKind } from "./taxonomy.ts";

/** What a request can bring labels in by. */
export const targetNames = ["pods", "templates", "namespaces", "nodes"] as const;
export type TargetName = (typeof targetNames)[number];

/** How the API server knows one of them, and where the labels stand in it. */
export interface Target {
  readonly name: TargetName;
  readonly kind: CarrierKind;
  /** As messages call it. */
  readonly noun: string;
  readonly resources: readonly { readonly group: string; readonly names: readonly string[] }[];
  /** The labels of `object` or `oldObject`, in CEL. */
  readonly labels: (of: "object" | "oldObject") => string;
  /** Requests that bring no label of their own are not asked for one, in CEL; undefined: all are asked. */
  readonly asked?: string;
  /** Users who make such objects of what somebody else wrote, which was looked at when he did. */
  readonly makers: readonly string[];
}

/** A kubelet asks, in CEL. */
export const isNode = "'system:nodes' in request.userInfo.?groups.orValue([])";

const ownLabels = (of: string) => `${of}.metadata.?labels.orValue({})`;

const controller = (name: string) => `system:serviceaccount:kube-system:${name}`;
/** All controllers in one, where they have no accounts of their own (kube-controller-manager --use-service-account-credentials). */
const allControllers = "system:kube-controller-manager";

export const targets: readonly Target[] = [
  {
    name: "pods",
    kind: "Pod",
    noun: "pod",
    // All subresources: status takes labels in too, and those of a binding overwrite the pod's (pkg/registry/core/pod/storage).
    resources: [{ group: "", names: ["pods", "pods/*", "bindings"] }],
    labels: ownLabels,
    // A binding or an eviction is none.
    asked: "request.operation == 'UPDATE' || request.kind.kind == 'Pod'",
    makers: [
      ...["replicaset", "replication", "statefulset", "daemon-set", "job"].map((name) =>
        controller(`${name}-controller`),
      ),
      allControllers,
    ],
  },
  {
    name: "templates",
    kind: "Pod",
    noun: "pod template",
    resources: [
      { group: "", names: ["replicationcontrollers"] },
      { group: "apps", names: ["deployments", "statefulsets", "daemonsets", "replicasets"] },
      { group: "batch", names: ["jobs", "cronjobs"] },
    ],
    labels: (of) => `${of}.spec.?jobTemplate.?spec.?template.or(${of}.spec.?template).?metadata.?labels.orValue({})`,
    makers: [controller("deployment-controller"), controller("cronjob-controller"), allControllers],
  },
  {
    name: "namespaces",
    kind: "Namespace",
    noun: "namespace",
    resources: [{ group: "", names: ["namespaces", "namespaces/*"] }],
    labels: ownLabels,
    makers: [],
  },
  {
    name: "nodes",
    kind: "Node",
    noun: "node",
    resources: [{ group: "", names: ["nodes", "nodes/*"] }],
    labels: ownLabels,
    // A node that joins cannot carry what it may not give itself.
    asked: `request.operation == 'UPDATE' || !(${isNode})`,
    makers: [],
  },
];

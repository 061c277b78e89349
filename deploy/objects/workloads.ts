import type { Component } from "./component.ts";
import { labelsOf } from "./labels.ts";
import { nameOf, priorityName } from "./names.ts";
import { image, nodePodTemplate, podTemplate } from "./pod.ts";
import { type Fields, namespace, unless, value, when } from "./template.ts";

export function deployment(component: Component): Fields {
  const { name, replicas } = component;
  const pod = podTemplate({ ...component, pod: { priorityClassName: priorityName, ...component.pod } });
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: nameOf(name), namespace, labels: labelsOf(name) },
    spec: {
      replicas: replicas ?? 1,
      // Of what there may be but one, the old one ends before the new one begins.
      strategy: replicas === undefined ? { type: "Recreate" } : { type: "RollingUpdate", rollingUpdate: gently },
      selector: { matchLabels: labelsOf(name) },
      template: pod,
    },
  };
}

const gently = { maxUnavailable: 1, maxSurge: 1 };

/** What works on each node: with policies, or as a collector alone. */
export const node: Component = {
  name: "node",
  args: [when("node.enforcement", "node"), when("node.enforcement", "run"), unless("node.enforcement", "collect")],
  readsObjects: "node.enforcement",
  reaches: [],
  env: [
    { name: "SLUICE_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    { name: "NODE_ADDRESS", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } },
    { name: "SLUICE_DATA_FOLDER", value: "/var/lib/sluice-node" },
  ],
  volumes: [
    {
      name: "data",
      path: "/var/lib/sluice-node",
      from: { hostPath: { path: value("node.dataFolder"), type: "DirectoryOrCreate" } },
    },
    {
      name: "sysctls",
      path: null,
      from: { hostPath: { path: "/proc/sys/net/netfilter", type: "Directory" } },
      condition: "node.setSysctls",
    },
    // By it packets are sent that prove the rules.
    { name: "tun", path: "/dev/net/tun", from: { hostPath: { path: "/dev/net/tun" } }, condition: "node.enforcement" },
  ],
  pod: {
    hostNetwork: true,
    dnsPolicy: "ClusterFirstWithHostNet",
    // By the host's process ids it is known who tampered with rules.
    hostPID: when("node.enforcement", true),
    priorityClassName: "system-node-critical",
    initContainers: when("node.setSysctls", [sysctls()]),
  },
};

/**
 * A container's own /proc/sys cannot be written; the node's, mounted elsewhere, can, by root without a capability. Which network it is about, the
 * mount says: the node's.
 */
function sysctls(): Fields {
  const names = ["nf_conntrack_acct", "nf_conntrack_timestamp"];
  return {
    name: "sysctls",
    image,
    imagePullPolicy: value("image.pullPolicy"),
    command: ["sh", "-c", names.map((name) => `echo 1 >/node/${name}`).join(" && ")],
    resources: value("node.resources"),
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "sysctls", mountPath: "/node" }],
  };
}

export function daemonSet(): Fields {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: nameOf(node.name), namespace, labels: labelsOf(node.name) },
    spec: {
      selector: { matchLabels: labelsOf(node.name) },
      // One node's pod ends before the next begins: both would want the same folder. Its rules stay in the kernel.
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: value("node.maxUnavailable") } },
      template: nodePodTemplate(node, ["NET_ADMIN", when("node.enforcement", "SYS_ADMIN")]),
    },
  };
}

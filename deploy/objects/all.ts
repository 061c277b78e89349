import { ownLabels } from "../../policy/crd.ts";
import type { Component } from "./component.ts";
import { archiveClaim, deployments } from "./components.ts";
import { labelsOf } from "./labels.ts";
import { metricsService, serviceMonitor } from "./monitoring.ts";
import { configName, priorityName } from "./names.ts";
import { clusterRole, readerBinding, serviceAccount } from "./rights.ts";
import { disruptionBudget, networkPolicy } from "./shielding.ts";
import { type Condition, type Fields, json, namespace, type Template, value, when } from "./template.ts";
import { daemonSet, deployment, node } from "./workloads.ts";

/** Objects that belong together, in the order in which they are applied. */
export interface Group {
  /** Of the chart's template. */
  readonly name: string;
  readonly objects: readonly Template[];
}

/** All that an installation consists of, beside its namespace and the CRDs. */
export const groups: readonly Group[] = [
  { name: "common", objects: [config(), priorityClass(), clusterRole] },
  { name: "node", objects: [serviceAccount(node), when("node.enforcement", readerBinding(node)), daemonSet()] },
  ...deployments.map((component) => ({ name: component.name, objects: objectsOf(component) })),
  { name: "metrics", objects: [metricsService, when("serviceMonitor.enabled", serviceMonitor)] },
];

function objectsOf(component: Component): readonly Template[] {
  const { condition, readsObjects, replicas } = component;
  const policy = networkPolicy(component);
  return [
    optional(condition, serviceAccount(component)),
    ...(readsObjects === true ? [optional(condition, readerBinding(component))] : []),
    optional([...listed(condition), "networkPolicies.enabled"], policy),
    ...(component.name === "archive" ? [optional(condition, claim())] : []),
    ...(replicas === undefined ? [] : [optional(condition, disruptionBudget(component))]),
    optional(condition, deployment(component)),
  ];
}

function listed(condition: Condition | undefined): readonly string[] {
  return condition === undefined ? [] : [condition].flat();
}

function optional(condition: Condition | undefined, then: Fields): Template {
  return condition === undefined ? then : when(condition, then);
}

function config(): Fields {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: configName, namespace, labels: ownLabels },
    data: { "sluice.yaml": json("config") },
  };
}

/** Below what the system needs, above what can wait: without enrichers records wait, and nobody sees what is denied. */
function priorityClass(): Fields {
  return {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: priorityName, labels: ownLabels },
    value: 1_000_000,
    description: "Processes of Sluice that do not run on each node.",
  };
}

function claim(): Fields {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: archiveClaim, namespace, labels: labelsOf("archive") },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: when("archive.storageClass", value("archive.storageClass")),
      resources: { requests: { storage: value("archive.size") } },
    },
  };
}

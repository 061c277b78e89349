import { ownLabels } from "../../policy/crd.ts";
import type { Claim, Component } from "./component.ts";
import { deployments } from "./components.ts";
import { labelsOf } from "./labels.ts";
import { metricsService, serviceMonitor } from "./monitoring.ts";
import { configName, nameOf, nodeStatusRole, priorityName, readerRole } from "./names.ts";
import { clusterRole, nodeRights, readerRights, roleBinding, serviceAccount } from "./rights.ts";
import { disruptionBudget, networkPolicy, service } from "./shielding.ts";
import { type Condition, type Fields, json, namespace, type Template, value, when } from "./template.ts";
import { daemonSet, deployment, node } from "./workloads.ts";

/** Objects that belong together, in the order in which they are applied. */
export interface Group {
  /** Of the chart's template. */
  readonly name: string;
  readonly objects: readonly Template[];
}

/** All that works in a cluster, beside its namespace, the kinds and what protects tiers. */
export const groups: readonly Group[] = [
  { name: "common", objects: [config(), priorityClass(), clusterRole(readerRole, readerRights)] },
  {
    name: "node",
    objects: [
      serviceAccount(node),
      ...[
        roleBinding(readerRole, node),
        clusterRole(nodeStatusRole, nodeRights),
        roleBinding(nodeStatusRole, node, nodeStatusRole),
      ].map((object) => when("node.enforcement", object)),
      daemonSet(),
    ],
  },
  ...deployments.map((component) => ({ name: component.name, objects: objectsOf(component) })),
  { name: "metrics", objects: [metricsService, when("serviceMonitor.enabled", serviceMonitor)] },
];

function objectsOf(component: Component): readonly Template[] {
  const { condition, claim, replicas, serves } = component;
  const always = [
    serviceAccount(component),
    ...rightsOf(component),
    ...(claim === undefined ? [] : [volumeClaim(component, claim)]),
    ...(replicas === undefined ? [] : [disruptionBudget(component)]),
    deployment(component),
  ];
  return [
    ...always.map((object) => optional(listed(condition), object)),
    optional([...listed(condition), "networkPolicies.enabled"], networkPolicy(component)),
    ...(serves === undefined ? [] : [optional([...listed(condition), serves.condition], service(component, serves))]),
  ];
}

function rightsOf(component: Component): readonly Fields[] {
  const { name, readsObjects, rights } = component;
  const reading = readsObjects === true ? [roleBinding(readerRole, component, `${nameOf(name)}-reader`)] : [];
  if (rights === undefined) return reading;
  return [...reading, clusterRole(nameOf(name), rights), roleBinding(nameOf(name), component)];
}

function listed(condition: Condition | undefined): readonly string[] {
  return condition === undefined ? [] : [condition].flat();
}

function optional(condition: readonly string[], then: Fields): Template {
  return condition.length === 0 ? then : when(condition, then);
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

function volumeClaim({ name }: Component, { name: claim, size, storageClass }: Claim): Fields {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: claim, namespace, labels: labelsOf(name) },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: when(storageClass, value(storageClass)),
      resources: { requests: { storage: value(size) } },
    },
  };
}

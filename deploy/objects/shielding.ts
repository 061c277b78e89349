import type { Component, Reached, Served } from "./component.ts";
import { labelsOf } from "./labels.ts";
import { nameOf } from "./names.ts";
import { each, element, type Fields, namespace, type Template, value, when } from "./template.ts";

// What Sluice's own pods may send and get, and how many of them may be away at a time.

const listOf: Readonly<Record<Reached, string>> = {
  kafka: "networkPolicies.kafkaPorts",
  elasticsearch: "networkPolicies.elasticsearchPorts",
  redis: "networkPolicies.redisPorts",
  apiServer: "networkPolicies.apiServerPorts",
};

const dns: Template = [
  { protocol: "UDP", port: 53 },
  { protocol: "TCP", port: 53 },
];

export function networkPolicy({ name, reaches, serves }: Component): Fields {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: nameOf(name), namespace, labels: labelsOf(name) },
    spec: {
      podSelector: { matchLabels: labelsOf(name) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [
            {
              namespaceSelector: {
                matchLabels: { "kubernetes.io/metadata.name": value("networkPolicies.metricsNamespace") },
              },
            },
          ],
          ports: [{ protocol: "TCP", port: value("metrics.port") }],
        },
        // The API server stands in no namespace.
        ...(serves === undefined ? [] : [when(serves.condition, { ports: portsOf(serves) })]),
      ],
      egress: [
        { ports: dns },
        ...reaches.map((reached) => ({ ports: [each(listOf[reached], { protocol: "TCP", port: element })] })),
      ],
    },
  };
}

/** Leads to what others than Prometheus ask of it. */
export function service({ name }: Component, { ports }: Served): Fields {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: nameOf(name), namespace, labels: labelsOf(name) },
    spec: {
      selector: labelsOf(name),
      ports: Object.entries(ports).map(([port, number]) => ({ name: port, port: number, targetPort: port })),
    },
  };
}

function portsOf({ ports }: Served): readonly Fields[] {
  return Object.values(ports).map((port) => ({ protocol: "TCP", port }));
}

export function disruptionBudget({ name }: Component): Fields {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: nameOf(name), namespace, labels: labelsOf(name) },
    spec: { maxUnavailable: 1, selector: { matchLabels: labelsOf(name) } },
  };
}

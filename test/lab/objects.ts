import type { KubeObject } from "../../core/kube/objects.ts";

// Builders of manifests that name only what matters to a test.

export function node(number: number, rest: { readonly podCidrs?: readonly string[] } = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `node-${number}` },
    spec: { podCIDRs: rest.podCidrs ?? [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`] },
    status: {
      addresses: [
        { type: "Hostname", address: `node-${number}` },
        { type: "InternalIP", address: `172.30.0.1${number}` },
        { type: "InternalIP", address: `fd00:172:30::1${number}` },
      ],
    },
  };
}

export interface PodFacts {
  readonly on?: number;
  readonly ips?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly object[];
  readonly spec?: object;
  readonly status?: object;
  readonly metadata?: object;
}

/** `shop/web` on node 1 unless said otherwise; serves TCP and UDP 8080. */
export function pod(id: string, facts: PodFacts = {}): KubeObject {
  const [namespace, name] = id.split("/") as [string, string];
  const ports = facts.ports ?? [
    { name: "http", containerPort: 8080 },
    { name: "dgram", containerPort: 8080, protocol: "UDP" },
  ];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: facts.labels ?? { app: name }, ...facts.metadata },
    spec: { nodeName: `node-${facts.on ?? 1}`, containers: [{ name: "main", ports }], ...facts.spec },
    status: { podIPs: (facts.ips ?? []).map((ip) => ({ ip })), ...facts.status },
  };
}

export function service(id: string, spec: object): KubeObject {
  const [namespace, name] = id.split("/") as [string, string];
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec };
}

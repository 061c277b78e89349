// A node of a large cluster, the same at every call: 20 namespaces of ten applications each, every application with one pod on
// this node and 249 elsewhere; every policy of five rules is about one application of this node, so all of them are in its ruleset.
// Applications 0 and 1 have ten policies between them, whatever the number of policies; the last two allow one to reach the other.

import type { KubeObject } from "../../core/kube/objects.ts";

export interface NodeSize {
  readonly pods: number;
  readonly policies: number;
}

export const fullSize: NodeSize = { pods: 50_000, policies: 2_000 };
export const nodeName = "node-0";
/** On this node; its number is its application's. */
export const localPods = 200;
/** Of the two applications whose way is measured. */
export const pathPolicies = 10;
/** The port by which application 0 reaches application 1, and one by which it may not. */
export const [openPort, closedPort] = [7777, 7778];
export const podCidr = "10.0.0.0/8";

const [namespaces, applications] = [20, 10];
const podsPerOtherNode = 100;
/** Of the policies of an application, in turn. */
const kinds = [
  ...(["kubernetes", "calico", "kubernetes", "kubernetes"] as const),
  ...(["calico", "kubernetes", "global", "kubernetes"] as const),
] as const;

export function podAddress(number: number): string {
  const value = number + 256;
  return `10.${(value >> 16) & 255}.${(value >> 8) & 255}.${value & 255}`;
}

export function podObject(number: number, labels: Readonly<Record<string, string>> = {}, local = number < localPods) {
  const application = number % localPods;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace: namespaceOf(application),
      name: `${appOf(application)}-6b8f5d7c9f-${number.toString(36)}`,
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { app: appOf(application), role: roleOf(application), "pod-template-hash": "6b8f5d7c9f", ...labels },
    },
    spec: {
      nodeName: local ? nodeName : `node-${1 + Math.floor(number / podsPerOtherNode)}`,
      serviceAccountName: appOf(application),
      containers: [{ name: "main", image: "registry/app", ports: [{ name: "http", containerPort: 8080 }] }],
    },
    status: { phase: "Running", podIP: podAddress(number), podIPs: [{ ip: podAddress(number) }] },
  } satisfies KubeObject;
}

/** Which application the policy of a number is about. */
export function applicationOf(number: number): number {
  return number < pathPolicies ? number % 2 : 2 + ((number - pathPolicies) % (localPods - 2));
}

export function directionsOf(number: number): readonly ("egress" | "ingress")[] {
  return kindOf(number) === "kubernetes" ? ["egress", "ingress"] : ["ingress"];
}

/** The policy of that number; another `edition` has other ports. */
export function policyObject(number: number, edition = 0): KubeObject {
  const application = applicationOf(number);
  switch (kindOf(number)) {
    case "kubernetes":
      return kubernetesPolicy(number, application, edition);
    case "calico":
      return calicoPolicy(number, application, edition);
    case "global":
      return globalPolicy(number, application, edition);
  }
}

function kindOf(number: number): (typeof kinds)[number] {
  if (number < pathPolicies) return "kubernetes";
  return kinds[Math.floor((number - pathPolicies) / (localPods - 2)) % kinds.length] as (typeof kinds)[number];
}

export function* nodeObjects({ pods, policies }: NodeSize): Generator<KubeObject> {
  const tier = (name: string, order: number) => ({
    apiVersion: "projectcalico.org/v3",
    kind: "Tier",
    metadata: { name },
    spec: { order, defaultAction: "Pass" },
  });
  yield tier("security", 100);
  yield tier("application", 200);
  for (let number = 0; number < namespaces; number++)
    yield { apiVersion: "v1", kind: "Namespace", metadata: { name: `ns-${number}`, labels: { name: `ns-${number}` } } };
  for (let number = 0; number <= 1 + pods / podsPerOtherNode; number++)
    yield { apiVersion: "v1", kind: "Node", metadata: { name: `node-${number}` }, spec: { podCIDRs: [] } };
  for (let number = 0; number < policies; number++) yield policyObject(number);
  for (let number = 0; number < pods; number++) yield podObject(number);
}

const roles = ["frontend", "backend", "database", "queue"];
const roleOf = (application: number) => roles[application % roles.length] as string;
const namespaceOf = (application: number) => `ns-${Math.floor(application / applications) % namespaces}`;
const appOf = (application: number) => `app-${application}`;
/** Of the rules of a policy, each with its own. */
const portOf = (number: number, rule: number, edition: number) => 10_000 + ((7 * number + rule + edition) % 20_000);

function kubernetesPolicy(number: number, application: number, edition: number): KubeObject {
  const peer = (turn: number) => {
    const other = number < pathPolicies ? 1 - application : (application + turn) % localPods;
    return [
      {
        namespaceSelector: { matchLabels: { name: namespaceOf(other) } },
        podSelector: { matchLabels: { app: appOf(other) } },
      },
    ];
  };
  const isOpen = number < pathPolicies && number >= pathPolicies - 2;
  const port = (rule: number) =>
    isOpen ? [{ port: openPort, protocol: "UDP" }] : [{ port: portOf(number, rule, edition), protocol: "TCP" }];
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { namespace: namespaceOf(application), name: `policy-${number}` },
    spec: {
      podSelector: { matchLabels: { app: appOf(application) } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        { from: peer(1), ports: port(0) },
        { from: peer(2), ports: [{ port: "http" }] },
        { from: [{ ipBlock: { cidr: `172.16.${number & 255}.0/24` } }], ports: port(2) },
      ],
      egress: [
        { to: peer(3), ports: port(3) },
        { to: [{ ipBlock: { cidr: `172.17.${number & 255}.0/24` } }], ports: port(4) },
      ],
    },
  };
}

function calicoPolicy(number: number, application: number, edition: number): KubeObject {
  const allow = (selector: string, rule: number) => ({
    action: "Allow",
    protocol: "TCP",
    source: { selector },
    destination: { ports: [portOf(number, rule, edition)] },
  });
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { namespace: namespaceOf(application), name: `application.policy-${number}` },
    spec: {
      tier: "application",
      order: number,
      selector: `app == '${appOf(application)}'`,
      types: ["Ingress"],
      ingress: [
        allow(`role == '${roleOf(application + 1)}'`, 0),
        allow(`app in {'${appOf(application)}', '${appOf((application + 1) % localPods)}'}`, 1),
        allow("role == 'queue'", 2),
        { action: "Allow", protocol: "UDP", destination: { ports: [portOf(number, 3, edition)] } },
        { action: "Pass" },
      ],
    },
  };
}

function globalPolicy(number: number, application: number, edition: number): KubeObject {
  const deny = (more: object) => ({ action: "Deny", ...more });
  const udp = (rule: number) => ({ protocol: "UDP", destination: { ports: [portOf(number, rule, edition)] } });
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name: `security.policy-${number}` },
    spec: {
      tier: "security",
      order: number,
      selector: `app == '${appOf(application)}'`,
      types: ["Ingress"],
      ingress: [
        deny({ source: { selector: `quarantine == 'case-${number}'` } }),
        deny(udp(1)),
        deny(udp(2)),
        deny({ source: { nets: [`198.51.100.${number & 255}/32`] } }),
        { action: "Pass" },
      ],
    },
  };
}

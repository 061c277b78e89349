// A made-up cluster of the size a large platform team runs, the same at every call: namespaces of twenty applications each, which
// have ten pods; policies of a namespace about its own applications; and global ones in three tiers, of which most are about one
// team and a few about everybody.

import type { KubeObject } from "../../core/kube/objects.ts";

export interface ClusterSize {
  readonly namespaces: number;
  readonly pods: number;
  readonly policies: number;
}

const applications = 20;
/** Pods of a node, as Kubernetes recommends at most 110. */
const podsPerNode = 100;
/** Of ten policies one is global. */
const globalShare = 10;
/** Global policies that select every pod. */
const forEverybody = 10;

export function namespaceObject(number: number, labels: Readonly<Record<string, string>> = {}): KubeObject {
  const name = `ns-${number}`;
  const own = { "kubernetes.io/metadata.name": name, env: envs[number % envs.length] as string, team: teamOf(number) };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { ...own, ...labels } } };
}

export function podObject(number: number, { namespaces }: ClusterSize, labels: Readonly<Record<string, string>> = {}) {
  const namespace = `ns-${number % namespaces}`;
  const application = Math.floor(number / namespaces) % applications;
  const ips = [`10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`, `fd00:10::${number.toString(16)}`];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace,
      name: `app-${application}-6b8f5d7c9f-${number.toString(36)}`,
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: {
        app: `app-${application}`,
        role: roles[application % roles.length] as string,
        "app.kubernetes.io/name": `app-${application}`,
        "app.kubernetes.io/version": `1.${application}`,
        "pod-template-hash": "6b8f5d7c9f",
        ...labels,
      },
    },
    spec: {
      nodeName: `node-${Math.floor(number / podsPerNode)}`,
      serviceAccountName: `app-${application}`,
      containers: [{ name: "main", image: "registry/app", ports: [{ name: "http", containerPort: 8080 }] }],
    },
    status: { phase: "Running", podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) },
  } satisfies KubeObject;
}

/** The policy of that number; another `edition` has one rule more. */
export function policyObject(number: number, size: ClusterSize, edition = 0): KubeObject {
  const turn = Math.floor(number / globalShare);
  if (number % globalShare === 0) return globalPolicy(turn, edition);
  const place = number - turn - 1;
  return (number % 3 === 0 ? calicoPolicy : kubernetesPolicy)(place, size, edition);
}

export function* clusterObjects(size: ClusterSize): Generator<KubeObject> {
  for (const [index, name] of tiers.entries())
    yield { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name }, spec: { order: 100 * (index + 1) } };
  for (let number = 0; number < size.namespaces; number++) yield namespaceObject(number);
  for (let number = 0; number * podsPerNode < size.pods; number++) yield nodeObject(number);
  for (let number = 0; number < size.policies; number++) yield policyObject(number, size);
  for (let number = 0; number < size.pods; number++) yield podObject(number, size);
}

const tiers = ["platform", "security", "application"];
const envs = ["prod", "staging", "dev"];
const roles = ["frontend", "backend", "database", "queue"];
const teams = 50;
const teamOf = (namespace: number) => `team-${namespace % teams}`;

function nodeObject(number: number): KubeObject {
  const addresses = [{ type: "InternalIP", address: `192.168.${number >> 8}.${number & 255}` }];
  return { apiVersion: "v1", kind: "Node", metadata: { name: `node-${number}`, labels: {} }, status: { addresses } };
}

function kubernetesPolicy(number: number, { namespaces }: ClusterSize, edition: number): KubeObject {
  const namespace = number % namespaces;
  const mine = Math.floor(number / namespaces);
  const peer = (mine + 1) % applications;
  const from = [{ podSelector: { matchLabels: { app: `app-${peer}` } } }];
  const monitoring = [{ namespaceSelector: { matchLabels: { team: "team-0" } }, podSelector: {} }];
  const http = [{ port: 8080 }, { port: "http" }];
  const more = Array.from({ length: edition }, (_, index) => ({ ports: [{ port: 9000 + index }] }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { namespace: `ns-${namespace}`, name: `policy-${number}` },
    spec: {
      podSelector: { matchLabels: { app: `app-${mine % applications}` } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from, ports: http }, { from: monitoring, ports: [{ port: 9090 }] }, ...more],
      egress: [{ to: from, ports: http }, { to: [{ ipBlock: { cidr: `172.16.${number & 255}.0/24` } }] }],
    },
  };
}

function calicoPolicy(number: number, { namespaces }: ClusterSize, edition: number): KubeObject {
  const namespace = number % namespaces;
  const app = `app == 'app-${Math.floor(number / namespaces) % applications}'`;
  const tcp = (selector: string, port: number) => ({
    action: "Allow",
    protocol: "TCP",
    source: { selector },
    destination: { ports: [port] },
  });
  const more = Array.from({ length: edition }, (_, index) => tcp("all()", 9000 + index));
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { namespace: `ns-${namespace}`, name: `application.policy-${number}` },
    spec: {
      tier: "application",
      order: number,
      selector: app,
      types: ["Ingress"],
      ingress: [
        tcp("role == 'backend'", 8080),
        tcp("role in {'frontend', 'queue'}", 5432),
        ...more,
        { action: "Pass" },
      ],
    },
  };
}

function globalPolicy(number: number, edition: number): KubeObject {
  const tier = number < forEverybody ? "platform" : "security";
  const whom = {
    namespaceSelector: `team == '${teamOf(number)}'`,
    selector: `role == '${roles[number % roles.length]}'`,
  };
  const deny = { action: "Deny", source: { selector: `quarantine == 'case-${number}'` } };
  const more = Array.from({ length: edition }, (_, index) => ({ action: "Log", protocol: index + 1 }));
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name: `${tier}.policy-${number}` },
    spec: {
      tier,
      order: number,
      ...(tier === "platform" ? {} : whom),
      types: ["Ingress"],
      ingress: [deny, ...more, { action: "Pass" }],
    },
  };
}

import { type Address, cidrOf, familyOf, widthOf } from "../core/address.ts";
import type { Endpoint } from "../policy/placement.ts";
import type { GuardedPath, PathEnd } from "./guarded-path.ts";

/** Where a cluster's own services answer, as far as its objects tell. */
export interface ClusterServices {
  /** Behind the Service `default/kubernetes`. */
  readonly apiServers: readonly Served[];
  /** Behind `kube-system/kube-dns`. */
  readonly dns: readonly Served[];
}

export interface Served {
  readonly address: Address;
  readonly protocol: number;
  readonly port: number;
}

const tcp = 6;
const udp = 17;
const everyNode: PathEnd = { of: "node", name: null };
const everyPod: PathEnd = { of: "selector", selector: { op: "all" } };

/**
 * What a cluster does not live without: its API server from pods and nodes, kubelets from there, etcd between control-plane nodes, and
 * DNS. That a node reaches the pods that run on it, for kubelet's probes, no policy can change. Of those who are there nodes and pods of
 * kube-system are enough.
 */
export function clusterPaths(
  everybody: readonly Endpoint[],
  { apiServers, dns }: ClusterServices,
): readonly GuardedPath[] {
  const control = everybody.filter(({ kind, labels }) => kind === "node" && isControlPlane(labels));
  const controlEnds = control.map(({ name }): PathEnd => ({ of: "node", name }));
  const servers = apiServers.length > 0 ? apiServers : control.flatMap(answersAt(tcp, 6443));
  const resolvers = dns.length > 0 ? dns : everybody.filter(isDns).flatMap(answersAt(udp, 53)).flatMap(overTcpAsWell);
  const etcd = [2379, 2380].flatMap((port) =>
    controlEnds.flatMap((from) =>
      controlEnds.map((to): GuardedPath => ({ name: "etcd", from, to, protocol: tcp, port })),
    ),
  );
  return [
    ...controlEnds.map((from): GuardedPath => ({ name: "kubelet", from, to: everyNode, protocol: tcp, port: 10_250 })),
    ...servers.flatMap((server) => [everyPod, everyNode].map((from) => pathTo("API server", from, server))),
    ...etcd,
    ...resolvers.map((resolver) => pathTo("DNS", everyPod, resolver)),
  ];
}

function pathTo(name: string, from: PathEnd, { address, protocol, port }: Served): GuardedPath {
  return { name, from, to: { of: "net", cidr: cidrOf(address, widthOf(familyOf(address))) }, protocol, port };
}

function isControlPlane(labels: Readonly<Record<string, string>>): boolean {
  return ["control-plane", "master"].some((role) => `node-role.kubernetes.io/${role}` in labels);
}

/** As kubeadm and nearly everybody labels them. Elsewhere than in kube-system anybody may call his pods so. */
function isDns({ kind, namespace, labels }: { kind: string; namespace: string | null; labels: object }): boolean {
  return kind === "pod" && namespace === "kube-system" && (labels as Record<string, string>)["k8s-app"] === "kube-dns";
}

const answersAt =
  (protocol: number, port: number) =>
  ({ addresses }: { readonly addresses: readonly Address[] }): readonly Served[] =>
    addresses.map((address) => ({ address, protocol, port }));

const overTcpAsWell = (served: Served): readonly Served[] => [served, { ...served, protocol: tcp }];

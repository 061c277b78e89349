import { type Address, type Cidr, cidrContains, familyOf, parseAddress, parseCidr } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import {
  checkLabName,
  externalNamespace,
  fabricNamespace,
  fabricPort,
  nodeNamespace,
  podId,
  podInterface,
  podNamespace,
} from "./names.ts";
import { type ContainerPort, invalid, type PodObject, readNode, readPod, readService } from "./objects.ts";
import { type Frontend, frontendsOf } from "./services.ts";

/** A cluster as the lab builds it: which network namespaces, links, addresses and Service addresses. */
export interface ClusterPlan {
  readonly name: string;
  /** The network namespace that stands for the switch between the nodes. */
  readonly fabric: string;
  readonly nodes: readonly NodePlan[];
  readonly pods: readonly PodPlan[];
  readonly externals: readonly ExternalPlan[];
  readonly frontends: readonly Frontend[];
}

export interface NodePlan {
  readonly name: string;
  readonly namespace: string;
  /** Name of the fabric's end of the node's uplink; the node's own end is `eth0`. */
  readonly port: string;
  readonly addresses: readonly Address[];
  readonly podCidrs: readonly Cidr[];
}

export interface PodPlan {
  /** `namespace/name` */
  readonly id: string;
  readonly node: string;
  readonly addresses: readonly Address[];
  readonly ports: readonly ContainerPort[];
  /** A pod on the host network lives in its node's namespace and has no link of its own. */
  readonly namespace: string;
  readonly link: string | null;
  /** Addresses outside its node's pod CIDRs: the other nodes need a route for each. */
  readonly strays: readonly Address[];
}

/** A host outside the cluster that the nodes reach through the fabric. */
export interface External {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly ports?: readonly ContainerPort[];
}

export interface ExternalPlan {
  readonly name: string;
  readonly namespace: string;
  readonly port: string;
  readonly addresses: readonly Address[];
  readonly ports: readonly ContainerPort[];
}

export interface PlanOptions {
  readonly name: string;
  readonly externals?: readonly External[];
}

/** Plans a cluster from Nodes, Pods and Services; other kinds are left out. Throws MANIFEST_INVALID naming object and field. */
export function planCluster(objects: readonly KubeObject[], { name, externals = [] }: PlanOptions): ClusterPlan {
  checkLabName(name);
  const owners = new Map<Address, string>();
  const nodes = ofKind(objects, "Node").map((object) => planNode(name, object, owners));
  if (nodes.length === 0) throw new SluiceError("MANIFEST_INVALID", "the manifests hold no Node");
  const pods = ofKind(objects, "Pod").flatMap((object) => planPod(name, object, nodes, owners) ?? []);
  const hosts = externals.map((external) => planExternal(name, external, owners));
  return {
    name,
    fabric: fabricNamespace(name),
    nodes,
    pods: pods.map(({ plan }) => plan),
    externals: hosts,
    frontends: planFrontends(
      objects,
      pods.map(({ object }) => object),
      owners,
    ),
  };
}

/** Whether anybody in the cluster has an IPv6 address. */
export function usesIPv6({ nodes, pods, externals }: ClusterPlan): boolean {
  return [...nodes, ...pods, ...externals].some(({ addresses }) =>
    addresses.some((address) => familyOf(address) === 6),
  );
}

const kinds = { Node: "v1", Pod: "v1", Service: "v1" } as const;

function ofKind(objects: readonly KubeObject[], kind: keyof typeof kinds): KubeObject[] {
  return objects.filter((object) => object.kind === kind && object.apiVersion === kinds[kind]);
}

function planNode(lab: string, object: KubeObject, owners: Map<Address, string>): NodePlan {
  const { name, addresses, podCidrs } = readNode(object);
  claim(owners, addresses, `node ${name}`, object, "status.addresses");
  return {
    name,
    namespace: nodeNamespace(lab, name),
    port: fabricPort(`node-${name}`),
    addresses,
    podCidrs: podCidrs.map(parseCidr),
  };
}

interface PlannedPod {
  readonly plan: PodPlan;
  readonly object: PodObject;
}

function planPod(
  lab: string,
  object: KubeObject,
  nodes: readonly NodePlan[],
  owners: Map<Address, string>,
): PlannedPod | undefined {
  const pod = readPod(object);
  if (pod === undefined) return undefined;
  const node = nodes.find(({ name }) => name === pod.node);
  if (node === undefined) throw invalid(object, "spec.nodeName", `names no Node of these manifests: ${pod.node}`);
  const id = podId(pod.namespace, pod.name);
  const shared = { id, node: node.name, ports: pod.ports };
  if (pod.hostNetwork) {
    const addresses = node.addresses;
    const plan = { ...shared, addresses, namespace: node.namespace, link: null, strays: [] };
    return { plan, object: { ...pod, addresses } };
  }
  claim(owners, pod.addresses, `pod ${id}`, object, "status.podIPs");
  for (const address of pod.addresses) requireFamily(node, address, object);
  const plan: PodPlan = {
    ...shared,
    addresses: pod.addresses,
    namespace: podNamespace(lab, pod.namespace, pod.name),
    link: podInterface(pod.namespace, pod.name),
    strays: pod.addresses.filter((address) => !node.podCidrs.some((cidr) => cidrContains(cidr, address))),
  };
  return { plan, object: pod };
}

/** Without an InternalIP of the family nobody could say where the pod is. */
function requireFamily(node: NodePlan, address: Address, object: KubeObject): void {
  const family = familyOf(address);
  if (node.addresses.some((own) => familyOf(own) === family)) return;
  throw invalid(object, "status.podIPs", `has ${address}, but node ${node.name} has no IPv${family} InternalIP`);
}

function planExternal(lab: string, external: External, owners: Map<Address, string>): ExternalPlan {
  const { name } = external;
  const addresses = external.addresses.map(parseAddress);
  const object = { apiVersion: "v1", kind: "External", metadata: { name } };
  claim(owners, addresses, `external ${name}`, object, "addresses");
  const namespace = externalNamespace(lab, name);
  return { name, namespace, port: fabricPort(`external-${name}`), addresses, ports: external.ports ?? [] };
}

function planFrontends(
  objects: readonly KubeObject[],
  pods: readonly PodObject[],
  owners: Map<Address, string>,
): Frontend[] {
  const services = ofKind(objects, "Service").map((object) => {
    const service = readService(object);
    claim(owners, service.addresses, `service ${service.namespace}/${service.name}`, object, "spec.clusterIPs");
    return service;
  });
  return frontendsOf(services, pods);
}

/** One address, one owner. */
function claim(
  owners: Map<Address, string>,
  addresses: readonly Address[],
  owner: string,
  object: KubeObject,
  field: string,
): void {
  for (const address of addresses) {
    const other = owners.get(address);
    if (other !== undefined) throw invalid(object, field, `has ${address}, which belongs to ${other}`);
    owners.set(address, owner);
  }
}

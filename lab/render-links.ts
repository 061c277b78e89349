import { type Address, familyOf, widthOf } from "../core/address.ts";
import { type ClusterPlan, type ExternalPlan, type NodePlan, type PodPlan, usesIPv6 } from "./plan.ts";

/** Lines for `ip -batch`, run inside one network namespace, or in the caller's own if it is null. */
export interface LinkScript {
  readonly namespace: string | null;
  readonly lines: readonly string[];
}

// The pod's way out, as in Calico: every pod has its address alone (/32, /128) and sends everything to a link-local gateway
// that all nodes have. For IPv4 the gateway is a permanent neighbour with the fixed address of the node's end of the link, so
// no proxy ARP has to be switched on per interface. For IPv6 the neighbour is discovered, because a ruleset that forgets
// neighbour discovery has to fail here as it would on a real node.
const gateway4 = "169.254.1.1";
const gateway6 = "fe80::1";
const gatewayMac = "ee:ee:ee:ee:ee:ee";

// Where nodes send what they have no route for. It answers "unreachable" at once.
const upstream4 = "169.254.0.1";
const upstream6 = "fe80::1";

/** Makes and connects everything, in this order: namespaces, links, then what is inside each (in any order). */
export interface LinkScripts {
  readonly namespaces: LinkScript;
  readonly links: LinkScript;
  readonly insides: readonly LinkScript[];
}

/** The whole cluster but the pods' ends, and then each pod as `renderPod` does. */
export function renderLinks(plan: ClusterPlan): LinkScripts {
  const hosts = [...plan.nodes, ...plan.externals];
  const pods = plan.pods.filter(hasLink);
  const names = [plan.fabric, ...hosts.map(({ namespace }) => namespace), ...pods.map(({ namespace }) => namespace)];
  return {
    namespaces: { namespace: null, lines: names.map((name) => `netns add ${name}`) },
    links: {
      namespace: null,
      lines: [
        ...hosts.map(
          ({ namespace, port }) => `link add eth0 netns ${namespace} type veth peer name ${port} netns ${plan.fabric}`,
        ),
        ...pods.map((pod) => podLink(pod, nodeOf(plan, pod))),
      ],
    },
    insides: [
      { namespace: plan.fabric, lines: fabricLines(plan) },
      ...plan.nodes.map((node) => ({ namespace: node.namespace, lines: nodeLines(plan, node) })),
      ...plan.externals.map((host) => ({ namespace: host.namespace, lines: externalLines(plan, host) })),
      ...pods.map((pod) => ({ namespace: pod.namespace, lines: podLines(pod) })),
    ],
  };
}

/** One pod that comes later. */
export function renderPod(plan: ClusterPlan, pod: LinkedPod): LinkScripts {
  const node = nodeOf(plan, pod);
  return {
    namespaces: { namespace: null, lines: [`netns add ${pod.namespace}`] },
    links: { namespace: null, lines: [podLink(pod, node)] },
    insides: [
      { namespace: node.namespace, lines: podOnNodeLines(pod, node) },
      { namespace: pod.namespace, lines: podLines(pod) },
      ...strayRoutes(plan, pod, "add"),
    ],
  };
}

/**
 * Takes one pod away. The link goes first and by name: removing only the namespace would leave the link, and the route to the
 * pod's address, until the kernel gets round to it.
 */
export function renderPodRemoval(plan: ClusterPlan, pod: LinkedPod): LinkScript[] {
  return [
    { namespace: nodeOf(plan, pod).namespace, lines: [`link del ${pod.link}`] },
    ...strayRoutes(plan, pod, "del"),
    { namespace: null, lines: [`netns del ${pod.namespace}`] },
  ];
}

export type LinkedPod = PodPlan & { readonly link: string };

export function hasLink(pod: PodPlan): pod is LinkedPod {
  return pod.link !== null;
}

function nodeOf(plan: ClusterPlan, pod: PodPlan): NodePlan {
  const node = plan.nodes.find(({ name }) => name === pod.node);
  if (node === undefined) throw new Error(`pod ${pod.id} was planned on no node`);
  return node;
}

function podLink(pod: LinkedPod, node: NodePlan): string {
  const inside = `link add eth0 netns ${pod.namespace} type veth`;
  return `${inside} peer name ${pod.link} address ${gatewayMac} netns ${node.namespace}`;
}

function podLines(pod: PodPlan): string[] {
  const families = new Set(pod.addresses.map(familyOf));
  return [
    "link set lo up",
    "link set eth0 up",
    ...pod.addresses.map((address) => `addr add ${host(address)} dev eth0${nodad(address)}`),
    ...(families.has(4)
      ? [
          `neigh add ${gateway4} lladdr ${gatewayMac} dev eth0 nud permanent`,
          `route add default via ${gateway4} dev eth0 onlink`,
        ]
      : []),
    ...(families.has(6) ? [`route add default via ${gateway6} dev eth0`] : []),
  ];
}

function podOnNodeLines(pod: LinkedPod, node: NodePlan): string[] {
  const routes = pod.addresses.map((address) => `route add ${host(address)} dev ${pod.link}${source(node, address)}`);
  const six = pod.addresses.some((address) => familyOf(address) === 6);
  return [`link set ${pod.link} up`, ...(six ? [`addr add ${gateway6}/64 dev ${pod.link} nodad`] : []), ...routes];
}

function nodeLines(plan: ClusterPlan, node: NodePlan): string[] {
  const peers = plan.nodes.filter((other) => other !== node);
  return [
    "link set lo up",
    "link set eth0 up",
    ...node.addresses.map((address) => `addr add ${host(address)} dev eth0${nodad(address)}`),
    ...[...peers, ...plan.externals].flatMap((other) => neighbourRoutes(node, other)),
    ...peers.flatMap((peer) => podRoutes(plan, peer, node)),
    ...upstreamRoutes(node),
    // As Calico does: without it, packets to an address that no pod has would go out again and round until their TTL ends.
    ...node.podCidrs.map(({ text }) => `route add blackhole ${text}`),
    ...plan.pods
      .filter((pod) => pod.node === node.name && hasLink(pod))
      .flatMap((pod) => podOnNodeLines(pod as LinkedPod, node)),
  ];
}

/** An external host knows the way to the pods, so that no source address has to be hidden behind the node's. */
function externalLines(plan: ClusterPlan, external: ExternalPlan): string[] {
  const others = plan.externals.filter((other) => other !== external);
  return [
    "link set lo up",
    "link set eth0 up",
    ...external.addresses.map((address) => `addr add ${host(address)} dev eth0${nodad(address)}`),
    ...[...plan.nodes, ...others].flatMap((other) => neighbourRoutes(external, other)),
    ...plan.nodes.flatMap((node) => podRoutes(plan, node, external)),
    ...upstreamRoutes(external),
  ];
}

function fabricLines(plan: ClusterPlan): string[] {
  const hosts = [...plan.nodes, ...plan.externals];
  const router: Host = { addresses: [upstream4 as Address, upstream6 as Address] };
  return [
    "link set lo up",
    // Without a querier, snooping would drop the multicast that neighbour discovery needs.
    "link add br0 type bridge stp_state 0 mcast_snooping 0",
    "link set br0 up",
    `addr add ${upstream4}/32 dev br0`,
    ...(usesIPv6(plan) ? [`addr add ${upstream6}/64 dev br0 nodad`] : []),
    ...hosts.map(({ port }) => `link set ${port} master br0 up`),
    ...hosts.flatMap(({ addresses }) => addresses.map((address) => `route add ${host(address)} dev br0`)),
    ...plan.nodes.flatMap((node) => podRoutes(plan, node, router, "br0")),
  ];
}

interface Host {
  readonly addresses: readonly Address[];
}

/** Addresses are on the link itself, without a subnet in common: any two InternalIPs will do. */
function neighbourRoutes(from: Host, to: Host): string[] {
  return to.addresses
    .filter((address) => sameFamily(from, address) !== undefined)
    .map((address) => `route add ${host(address)} dev eth0${source(from, address)}`);
}

/** The way to the pods of a node: its pod CIDRs, and single addresses outside of them. */
function podRoutes(plan: ClusterPlan, node: NodePlan, from: Host, device = "eth0"): string[] {
  const strays = plan.pods.filter((pod) => pod.node === node.name).flatMap((pod) => pod.strays);
  const targets = [...node.podCidrs.map(({ text }) => text), ...strays.map(host)];
  return targets.flatMap((target) => {
    const family = target.includes(":") ? 6 : 4;
    const via = node.addresses.find((address) => familyOf(address) === family);
    if (via === undefined || !from.addresses.some((address) => familyOf(address) === family)) return [];
    return [`route add ${target} via ${via} dev ${device} onlink`];
  });
}

function strayRoutes(plan: ClusterPlan, pod: PodPlan, verb: "add" | "del"): LinkScript[] {
  if (pod.strays.length === 0) return [];
  const node = nodeOf(plan, pod);
  const elsewhere = [...plan.nodes.filter((other) => other !== node), ...plan.externals];
  return elsewhere.map(({ namespace, addresses }) => ({
    namespace,
    lines: pod.strays.flatMap((stray) => {
      const via = sameFamily(node, stray);
      const known = addresses.some((address) => familyOf(address) === familyOf(stray));
      return via && known ? [`route ${verb} ${host(stray)} via ${via} dev eth0 onlink`] : [];
    }),
  }));
}

function upstreamRoutes({ addresses }: Host): string[] {
  return addresses.map((address) =>
    familyOf(address) === 4
      ? `route add default via ${upstream4} dev eth0 onlink`
      : `route add default via ${upstream6} dev eth0`,
  );
}

function sameFamily({ addresses }: Host, address: Address): Address | undefined {
  return addresses.find((own) => familyOf(own) === familyOf(address));
}

/** The source a host uses towards this address; otherwise it might pick any of its own. */
function source(from: Host, to: Address): string {
  const own = sameFamily(from, to);
  return own === undefined ? "" : ` src ${own}`;
}

const host = (address: Address): string => `${address}/${widthOf(familyOf(address))}`;
/** Duplicate address detection would keep an address out of use for a second. */
const nodad = (address: Address): string => (familyOf(address) === 6 ? " nodad" : "");

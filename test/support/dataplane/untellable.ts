import { type Address, type Cidr, cidrContains, familyOf, parseCidr } from "../../../core/address.ts";
import type { ClassId, Endpoint, Placement } from "../../../policy/placement.ts";
import type { Packet } from "../../../policy/verdict.ts";
import { type Layout, networkDevices } from "./layout.ts";
import { passagesOf } from "./way.ts";

/**
 * About what the three cannot be compared, and why. Of `invalid` packets
 * (conntrack holds them for no beginning of a connection: most types of ICMP) the ruleset denies all by design, before it asks any policy;
 * those that can, go again without connection tracking.
 */
export const untellable = {
  nowhere: "meets no node: both ends are outside, or one is a pod without a node",
  martian: "no router takes a packet with such an address",
  extension: "the protocol number is that of an IPv6 extension header",
  unnamed: "the evaluator is not told which interface has the expectedIPs of a host endpoint that names none",
  answers:
    "it looks like an answer to what failsafe ports let through: raw hooks ask no untracked list, the evaluator does",
  untracked:
    "it goes to a service by a node with untracked lists: what is not tracked is not translated, and these lists see the service",
  itself: "a pod talks to itself by a service: known as such only after translation, and preDNAT lists come before",
  late: "it reaches a failsafe port by a service: known as such only after translation, and preDNAT lists come before",
  invalid:
    "conntrack holds it for invalid, which is denied before policy is asked, and without tracking policy is another",
} as const;

export type Untellable = keyof typeof untellable;

/** Why a packet need not be sent; undefined if the kernel can be asked about it. */
export function whyUntellable(layout: Layout, placement: Placement, packet: Packet): Untellable | undefined {
  const { homes } = layout;
  const [from, to] = [homes.get(packet.source), homes.get(packet.destination)];
  if (from?.at === "nowhere" || to?.at === "nowhere" || (from === undefined && to === undefined)) return "nowhere";
  if (isMartian(packet.source) || isMartian(packet.destination)) return "martian";
  if (familyOf(packet.source) === 6 && extensions.has(packet.protocol)) return "extension";
  if (packet.translated !== undefined) {
    if (from !== undefined && from === to) return "itself";
    if (hasUntracked(placement, packet.translated.node)) return "untracked";
  }
  return meetsUnnamed(layout, placement.endpoints, packet) ? "unnamed" : undefined;
}

function hasUntracked({ endpoints, classOf, classes }: Placement, node: string): boolean {
  return [...endpoints.values()].some(({ kind, id, node: of }) => {
    const lists =
      kind === "host" && of === node ? classes.get(classOf.get(id) as ClassId)?.others.untracked : undefined;
    return lists !== undefined && lists.ingress.length + lists.egress.length > 0;
  });
}

/** It passes a node by another network device than the one that has the address which stands for a host endpoint there. */
function meetsUnnamed(layout: Layout, endpoints: Placement["endpoints"], packet: Packet): boolean {
  return passagesOf(layout, packet).some(({ node, hooks }) => {
    const name = layout.nodes[node]?.name;
    const unnamed = [...endpoints.values()].filter((host) => host.node === name && isUnnamed(host));
    const used = hooks.flatMap(({ from, to }) => networkDevices.filter((device) => device === from || device === to));
    return unnamed.some(({ addresses }) => {
      const devices = addresses.flatMap((address) => layout.nodes[node]?.own.get(address) ?? []);
      return used.some((device) => !devices.includes(device));
    });
  });
}

function isUnnamed({ kind, interfaceName }: Endpoint): boolean {
  return kind === "host" && interfaceName === null;
}

// RFC 6890 and RFC 4291, as far as the kernel drops it before any hook or takes it for its own (net/ipv4/route.c, ip_route_input_slow).
const martians: readonly Cidr[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "224.0.0.0/3",
  "::/128",
  "::1/128",
  "fe80::/10",
  "ff00::/8",
].map(parseCidr);

function isMartian(address: Address): boolean {
  return martians.some((cidr) => cidrContains(cidr, address));
}

/** IANA, "IPv6 Extension Header Types", and 59: no next header. */
const extensions: ReadonlySet<number> = new Set([0, 43, 44, 50, 51, 59, 60, 135, 139, 140, 253, 254]);

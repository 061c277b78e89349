import { type Address, type Cidr, cidrContains, familyOf, parseCidr } from "../../../core/address.ts";
import type { ClassId, Placement } from "../../../policy/placement.ts";
import type { Packet } from "../../../policy/verdict.ts";
import { linksOf } from "../hooks.ts";
import { deviceTo, type Layout } from "./layout.ts";
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
  untracked: "it goes to a service by a list of what is not tracked that allows it: then nobody translates it",
  detour:
    "a process sends it to a service by a node with untracked lists, and would send it by another interface than it takes in the end",
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
  return makesDetour(layout, placement, packet) ? "detour" : undefined;
}

/** Lists of what is not tracked see what processes send by the interface to the service's address, which nobody is told. */
function makesDetour(layout: Layout, placement: Placement, packet: Packet): boolean {
  const { translated, source } = packet;
  if (translated === undefined || layout.homes.get(source)?.at !== "node") return false;
  const [first] = passagesOf(layout, packet);
  const taken = first === undefined ? undefined : linksOf(first.hooks).out;
  return taken !== deviceTo(layout, translated.destination) && hasUntracked(placement, translated.node);
}

function hasUntracked({ endpoints, classOf, classes }: Placement, node: string): boolean {
  return [...endpoints.values()].some(({ kind, id, node: of }) => {
    const lists =
      kind === "host" && of === node ? classes.get(classOf.get(id) as ClassId)?.others.untracked : undefined;
    return lists !== undefined && lists.ingress.length + lists.egress.length > 0;
  });
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

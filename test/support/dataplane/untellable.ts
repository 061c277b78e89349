import { type Address, type Cidr, cidrContains, familyOf, parseCidr } from "../../../core/address.ts";
import type { Packet } from "../../../policy/verdict.ts";
import type { Layout } from "./layout.ts";

/**
 * What the kernel cannot be asked, and why. `invalid` is known only when the kernel has answered: conntrack holds the packet for no
 * beginning of a connection (most types of ICMP), and the ruleset denies that by design, before any policy.
 */
export const untellable = {
  nowhere: "meets no node: both ends are outside, or one is a pod without a node",
  martian: "no router takes a packet with such an address",
  extension: "the protocol number is that of an IPv6 extension header",
  invalid: "conntrack holds it for invalid, which is denied before policy is asked",
} as const;

export type Untellable = keyof typeof untellable;

/** Why a packet need not be sent; undefined if the kernel can be asked about it. */
export function whyUntellable({ homes }: Layout, packet: Packet): Untellable | undefined {
  const [from, to] = [homes.get(packet.source), homes.get(packet.destination)];
  if (from?.at === "nowhere" || to?.at === "nowhere" || (from === undefined && to === undefined)) return "nowhere";
  if (isMartian(packet.source) || isMartian(packet.destination)) return "martian";
  return familyOf(packet.source) === 6 && extensions.has(packet.protocol) ? "extension" : undefined;
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

// Which connections are no longer allowed. A node judges what its own rules decide: what its pods send by their egress policy, what
// they get by their ingress policy, and what crosses its interfaces by the policies of its host endpoints; the other end is another
// node's. Only who opened the connection is judged, never an answer.
import type { Address } from "../core/address.ts";
import { PrefixTable } from "../core/prefix-table.ts";
import { probeInterface } from "../core/probe.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import type { Direction } from "../policy/program.ts";
import { hasPorts } from "../policy/protocol.ts";
import type { Packet, Verdict } from "../policy/verdict.ts";
import type { Connection } from "./conntrack.ts";
import type { Enforced, Seat } from "./enforced.ts";
import { ownPlacement } from "./own-placement.ts";

/** By which policy of this node a connection is denied; null if it is allowed, or not this node's to judge. */
export type Judge = (connection: Connection) => Direction | null;

export function judgeOf(enforced: Enforced, seat: Seat): Judge {
  const { pods, ofPods, ofAll } = ownPlacement(enforced, seat);
  const whoHas = residentsOf(pods, enforced, seat);
  const askPods = evaluatorOf(enforced.program, ofPods);
  const askAll = ofAll && evaluatorOf(enforced.program, ofAll);
  const denies = (connection: Connection, from: Resident, to: Resident): Direction | null => {
    const way = askAll === undefined ? undefined : wayOf(connection, from, to, seat.node);
    if (way !== undefined && askAll !== undefined) return denyingIn(askAll({ ...packetOf(connection), ...way }));
    const hasPolicy = from === "pod" || (to === "pod" && from !== "host");
    return hasPolicy ? denyingIn(askPods(packetOf(connection))) : null;
  };
  return (connection) => {
    const [from, to] = [whoHas(connection.original.source), whoHas(connection.reply.source)];
    if (connection.isExpected) return null;
    if (from === "nobody") return "egress";
    return denies(connection, from, to) ?? (to === "nobody" && from !== "host" ? "ingress" : null);
  };
}

function denyingIn({ action, egress, ingress, hosts }: Verdict): Direction | null {
  if (action === "allow") return null;
  return [...hosts, egress, ingress].find((path) => path?.action === "deny")?.direction ?? "ingress";
}

/**
 * What the ruleset sees of the first packet, at its hooks: the destination after it was translated, the source before.
 */
function packetOf({ original, reply }: Connection): Packet {
  const { protocol, source } = original;
  const [sourcePort, destinationPort] = hasPorts(protocol) ? [original.sourcePort, reply.sourcePort] : [0, 0];
  const icmp = original.icmpType < 0 ? null : { type: original.icmpType, code: original.icmpCode };
  return { source, destination: reply.source, protocol, sourcePort, destinationPort, icmp };
}

/**
 * What lists of host endpoints need to know beside: the interfaces, and where it was going before its destination was translated.
 * Undefined where no interface is told, so that nobody knows whose lists it met; and of probes, which meet none.
 */
function wayOf(
  { original, reply, ...links }: Connection,
  from: Resident,
  to: Resident,
  node: string,
): Pick<Packet, "interfaces" | "translated"> | undefined {
  const [enters, leaves] = [
    from === "host" ? undefined : links.sourceLink,
    to === "host" ? undefined : links.destinationLink,
  ];
  if (enters === null || leaves === null || enters === probeInterface || leaves === probeInterface) return undefined;
  const interfaces = {
    ...(enters === undefined ? {} : { in: enters }),
    ...(leaves === undefined ? {} : { out: leaves }),
  };
  const { destination } = original;
  const destinationPort = hasPorts(original.protocol) ? original.destinationPort : 0;
  const isTranslated =
    destination !== reply.source || (hasPorts(original.protocol) && destinationPort !== reply.sourcePort);
  return {
    interfaces: new Map([[node, interfaces]]),
    ...(isTranslated ? { translated: { node, destination, destinationPort } } : {}),
  };
}

/** Who has an address on this node; `nobody`: it is of the node's pods, but none is known to have it, and so the ruleset denies. */
type Resident = "pod" | "host" | "nobody" | "elsewhere";

function residentsOf(pods: ReadonlySet<Address>, { podCidrs }: Enforced, seat: Seat): (address: Address) => Resident {
  const cidrs = new PrefixTable<true>();
  if (seat.unknownEndpoints === "deny") for (const cidr of podCidrs) cidrs.set(cidr, true);
  const known = new Map<Address, Resident>();
  const find = (address: Address): Resident => {
    if (pods.has(address)) return "pod";
    if (seat.localAddresses.has(address)) return "host";
    return cidrs.lookup(address) === true ? "nobody" : "elsewhere";
  };
  return (address) => {
    const found = known.get(address) ?? find(address);
    known.set(address, found);
    return found;
  };
}

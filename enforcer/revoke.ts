// Which connections are no longer allowed. A node judges what its own rules decide: what its pods send by their egress policy, what
// they get by their ingress policy; the other end is another node's. Only who opened the connection is judged, never an answer.
import type { Address, Cidr } from "../core/address.ts";
import { PrefixTable } from "../core/prefix-table.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import type { ClassId, Endpoint, EndpointId, Members, Placement } from "../policy/placement.ts";
import type { Direction, Program } from "../policy/program.ts";
import { hasPorts } from "../policy/protocol.ts";
import type { Packet } from "../policy/verdict.ts";
import type { Connection } from "./conntrack.ts";

/** What a node enforces. */
export interface Situation {
  readonly program: Program;
  readonly placement: Placement;
  readonly podCidrs: readonly Cidr[];
}

/** The node that judges. */
export interface Seat {
  readonly node: string;
  readonly localAddresses: ReadonlySet<Address>;
  /** What the ruleset makes of addresses of the node's pod CIDRs that no pod is known to have. */
  readonly unknownEndpoints: "deny" | "allow";
}

/** By which policy of this node a connection is denied; null if it is allowed, or not this node's to judge. */
export type Judge = (connection: Connection) => Direction | null;

export function judgeOf(situation: Situation, seat: Seat): Judge {
  const { addresses, placement } = localPods(situation.placement, seat.node);
  const whoHas = residentsOf(addresses, situation, seat);
  const evaluate = evaluatorOf(situation.program, placement);
  return (connection) => {
    const { source } = connection.original;
    const destination = connection.reply.source;
    const [from, to] = [whoHas(source), whoHas(destination)];
    if (connection.isExpected || from === "host") return null;
    if (from === "nobody") return "egress";
    if (from !== "pod" && to !== "pod") return to === "nobody" ? "ingress" : null;
    const { action, egress } = evaluate(packetOf(connection));
    if (action === "deny") return egress?.action === "deny" ? "egress" : "ingress";
    return to === "nobody" ? "ingress" : null;
  };
}

/** Of whom a connection may have become a forbidden one. */
export type Concern = "all" | ReadonlySet<Address>;

export const nobody: Concern = new Set<Address>();

/**
 * Whose connections may be judged otherwise than before. While policies stay, a verdict changes only with who one of the ends is: their
 * labels, ports and services; that of all others stays.
 */
export function concernOf(before: Situation | undefined, after: Situation): Concern {
  if (before === undefined || before.program.revision !== after.program.revision) return "all";
  if (!haveSameText(before.podCidrs, after.podCidrs)) return "all";
  if (before.placement === after.placement) return nobody;
  const changed = [...changedEndpoints(before.placement, after.placement)];
  // Whom a network set means, only its CIDRs tell.
  if (changed.some(({ kind }) => kind === "set")) return "all";
  const backends = changedBackends(before, after).flatMap(addressesOf);
  return new Set([...changed.flatMap(({ addresses }) => addresses), ...backends]);
}

/** Together: "all", or those of both. */
export function union(a: Concern, b: Concern): Concern {
  if (a === "all" || b === "all") return "all";
  return a.size === 0 ? b : new Set([...a, ...b]);
}

export function isNobody(concern: Concern): boolean {
  return concern !== "all" && concern.size === 0;
}

export function isConcerned({ original, reply }: Connection, concern: Concern): boolean {
  return concern === "all" || concern.has(original.source) || concern.has(reply.source);
}

/**
 * What the ruleset sees of the first packet, at its hooks: the destination after it was translated, the source before. (Lists of host
 * endpoints that come before the translation would want `translated` as well; the ruleset has none.)
 */
function packetOf({ original, reply }: Connection): Packet {
  const { protocol, source } = original;
  const [sourcePort, destinationPort] = hasPorts(protocol) ? [original.sourcePort, reply.sourcePort] : [0, 0];
  const icmp = original.icmpType < 0 ? null : { type: original.icmpType, code: original.icmpCode };
  return { source, destination: reply.source, protocol, sourcePort, destinationPort, icmp };
}

/** Those of a node. */
interface LocalPods {
  readonly addresses: ReadonlySet<Address>;
  /** The placement with the policies of these pods alone, which is what the node's ruleset holds. */
  readonly placement: Placement;
}

/** If two endpoints claim an address, the last has it: as in render.ts. */
function localPods(placement: Placement, node: string): LocalPods {
  const addresses = new Set<Address>();
  const classOf = new Map<EndpointId, ClassId>();
  for (const endpoint of placement.endpoints.values()) {
    if (endpoint.kind !== "pod" || endpoint.hostNetwork) continue;
    const isHere = endpoint.node === node;
    for (const address of endpoint.addresses)
      if (isHere) addresses.add(address);
      else addresses.delete(address);
    const found = isHere ? placement.classOf.get(endpoint.id) : undefined;
    if (found !== undefined) classOf.set(endpoint.id, found);
  }
  return { addresses, placement: { ...placement, classOf } };
}

/** Who has an address on this node; `nobody`: it is of the node's pods, but none is known to have it, and so the ruleset denies. */
type Resident = "pod" | "host" | "nobody" | "elsewhere";

function residentsOf(pods: ReadonlySet<Address>, { podCidrs }: Situation, seat: Seat): (address: Address) => Resident {
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

/** Endpoints that came, went or are others, as they were and as they are. Those that stay are the very same objects. */
function* changedEndpoints(before: Placement, after: Placement): Generator<Endpoint> {
  let stayed = 0;
  for (const [id, endpoint] of after.endpoints) {
    const earlier = before.endpoints.get(id);
    if (earlier !== undefined) stayed += 1;
    if (earlier === endpoint && before.classOf.get(id) === after.classOf.get(id)) continue;
    yield endpoint;
    if (earlier !== undefined) yield earlier;
  }
  if (stayed === before.endpoints.size) return;
  for (const [id, endpoint] of before.endpoints) if (!after.endpoints.has(id)) yield endpoint;
}

/** Members of sets that no endpoint's change changes: those of services. */
function changedBackends(before: Situation, after: Situation): readonly Members[] {
  const services = [...after.program.sets].filter(([, { kind }]) => kind === "service");
  return services.flatMap(([id]) => {
    const [was, is] = [before.placement.members.get(id), after.placement.members.get(id)];
    return was === is ? [] : [was, is].filter((members) => members !== undefined);
  });
}

function addressesOf({ addresses, ports }: Members): readonly Address[] {
  return [...addresses, ...ports.map(({ address }) => address)];
}

function haveSameText(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  return a.length === b.length && a.every(({ text }, index) => text === b[index]?.text);
}

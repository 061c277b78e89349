import { familyOf } from "../core/address.ts";
import type { Placement } from "./placement.ts";
import type { Match, SetId } from "./program.ts";
import { hasPorts } from "./protocol.ts";
import { type End, indexOf, type SetIndex } from "./set-index.ts";
import type { Packet } from "./verdict.ts";

/** What of a match depends on who the two ends are: whether one is a member of a set, */
export interface Membership {
  readonly of: "source" | "destination";
  readonly set: SetId;
  readonly is: boolean;
}
/** or anything else. */
export type Question = (source: End, destination: End, packet: Packet) => boolean;

/** Finds the members of a set. */
export type Sets = (id: SetId) => SetIndex;

export function setsOf(placement: Placement): Sets {
  return (id) => {
    const found = placement.members.get(id);
    if (found === undefined) throw new Error(`the placement has no members of set ${id}`);
    return indexOf(found, placement);
  };
}

/**
 * Whether a match holds, as far as protocol, ports and family of the packet tell; else what is left to ask about its ends. This is
 * what matches mean, for all who ask.
 */
export function settle(match: Match, packet: Packet, sets: Sets): boolean | Membership | Question {
  switch (match.field) {
    case "family":
      return familyOf(packet.destination) === match.is;
    case "protocol":
      return (packet.protocol === match.is) !== match.not;
    case "icmp":
      return settleIcmp(match, packet);
    case "source":
    case "destination":
      return { of: match.field, set: match.in, is: !match.not };
    case "sourcePort":
    case "destinationPort":
      return settlePort(match, packet, sets);
  }
}

function settleIcmp(match: Extract<Match, { field: "icmp" }>, { icmp }: Packet): boolean {
  if (icmp === null) return false;
  const same = icmp.type === match.type && (match.code === undefined || icmp.code === match.code);
  return same !== match.not;
}

function settlePort(match: Extract<Match, { named: unknown }>, packet: Packet, sets: Sets): boolean | Question {
  if (!hasPorts(packet.protocol)) return false;
  const port = packet[match.field];
  if (match.ranges.some(({ from, to }) => from <= port && port <= to)) return !match.not;
  if (match.named.length === 0) return match.not;
  const [named, wanted] = [match.named.map(sets), !match.not];
  // The port is asked anew: what is settled for one packet stands for others of the same interval.
  return match.field === "sourcePort"
    ? (source, _, { protocol, sourcePort }) => named.some((set) => set.hasPort(source, protocol, sourcePort)) === wanted
    : (_, destination, { protocol, destinationPort }) =>
        named.some((set) => set.hasPort(destination, protocol, destinationPort)) === wanted;
}

/** Whether a match holds of a packet between these ends. */
export function holds(match: Match, source: End, destination: End, packet: Packet, sets: Sets): boolean {
  const settled = settle(match, packet, sets);
  if (typeof settled === "boolean") return settled;
  if (typeof settled === "function") return settled(source, destination, packet);
  return sets(settled.set).has(settled.of === "source" ? source : destination) === settled.is;
}

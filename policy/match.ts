import { type Address, familyOf } from "../core/address.ts";
import type { Placement } from "./placement.ts";
import type { Match, SetId } from "./program.ts";
import { hasPorts } from "./protocol.ts";
import { indexOf, type SetIndex } from "./set-index.ts";
import type { Packet } from "./verdict.ts";

/** One end of a packet; the evaluator keeps one for each address, so that what costs something is looked up once. */
export class End {
  readonly address: Address;
  readonly #within = new Map<SetIndex, boolean>();

  constructor(address: Address) {
    this.address = address;
  }

  isIn(set: SetIndex): boolean {
    if (!set.hasCidrs) return set.hasAddress(this.address);
    const found = this.#within.get(set) ?? set.hasAddress(this.address);
    this.#within.set(set, found);
    return found;
  }
}

/** What of a match depends on who the two ends are. */
export type Question = (source: End, destination: End, packet: Packet) => boolean;

/** Finds the members of a set. */
export type Sets = (id: SetId) => SetIndex;

export function setsOf({ members }: Placement): Sets {
  return (id) => {
    const found = members.get(id);
    if (found === undefined) throw new Error(`the placement has no members of set ${id}`);
    return indexOf(found);
  };
}

/**
 * Whether a match holds, as far as protocol, ports and family of the packet tell; else what is left to ask about its ends. This is
 * what matches mean, for all who ask.
 */
export function settle(match: Match, packet: Packet, sets: Sets): boolean | Question {
  switch (match.field) {
    case "family":
      return familyOf(packet.destination) === match.is;
    case "protocol":
      return (packet.protocol === match.is) !== match.not;
    case "icmp":
      return settleIcmp(match, packet);
    case "source": {
      const [set, wanted] = [sets(match.in), !match.not];
      return (source) => source.isIn(set) === wanted;
    }
    case "destination": {
      const [set, wanted] = [sets(match.in), !match.not];
      return (_, destination) => destination.isIn(set) === wanted;
    }
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
  // The port is asked anew: other ports may have been settled the same way.
  return match.field === "sourcePort"
    ? ({ address }, _, { protocol, sourcePort }) =>
        named.some((set) => set.hasPort(address, protocol, sourcePort)) === wanted
    : (_, { address }, { protocol, destinationPort }) =>
        named.some((set) => set.hasPort(address, protocol, destinationPort)) === wanted;
}

/** Whether a match holds of a packet between these ends. */
export function holds(match: Match, source: End, destination: End, packet: Packet, sets: Sets): boolean {
  const settled = settle(match, packet, sets);
  return typeof settled === "boolean" ? settled : settled(source, destination, packet);
}

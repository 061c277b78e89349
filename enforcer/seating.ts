// Who is found by address in the maps of the dispatch, and who in a set of the class. An entry of a map that jumps, or a rule that does,
// makes the kernel walk all rules that packets can reach; an element of a set costs it nothing. So what can be known of a pod before it
// has an address is made ready then: its class gets a room, a set of addresses and the rules that send those to the chains of the
// class. The address goes into the set, and some time later, when nobody waits for it, into the maps: see docs/decisions/0025.
import type { Address, Family } from "../core/address.ts";
import type { ClassId, Endpoint } from "../policy/placement.ts";
import type { Direction } from "../policy/program.ts";
import type { Element } from "./element.ts";
import { isSameVerdict, type MapVerdict } from "./ruleset.ts";

/** Where the packets of an endpoint go. */
export type Ways = Readonly<Record<Direction, MapVerdict>>;

/** An address of a pod that runs here. */
export interface Guest {
  readonly address: Address;
  readonly element: Element;
  /** A pair of the address with itself. */
  readonly self: Element;
  readonly family: Family;
  readonly pod: Endpoint;
  /** Undefined: not subject to policy. */
  readonly classId: ClassId | undefined;
  readonly ways: Ways;
  /** Where packets go that he sends to the node itself; undefined: nothing is asked of them beside. */
  readonly toNode: MapVerdict | undefined;
}

/** Classes that have a room, and where those who are in it go. */
export type Rooms = ReadonlyMap<ClassId, Ways>;

export interface Seating {
  readonly rooms: Rooms;
  /** Who is in the room of the class and not in the maps. */
  readonly newcomers: ReadonlySet<Address>;
}

/** Everybody is in the maps, and those classes have rooms of which pods are expected. */
export function settled(expected: Rooms): Seating {
  return { rooms: expected, newcomers: new Set() };
}

/** The same rooms as before, in which whoever has come stays; undefined if somebody is not in the maps and has no room to go to. */
export function hurried(
  before: Seating,
  expected: Rooms,
  guests: readonly Guest[],
  isInMaps: (guest: Guest) => boolean,
): Seating | undefined {
  const hasRoom = (classId: ClassId | undefined, ways: Ways) => {
    const room = classId === undefined ? undefined : before.rooms.get(classId);
    return room !== undefined && isSameWay(room, ways);
  };
  const newcomers = guests.filter((guest) => leadsOn(guest.ways) && !isInMaps(guest));
  const isEnough =
    newcomers.every(({ classId, ways }) => hasRoom(classId, ways)) &&
    [...expected].every(([classId, ways]) => hasRoom(classId, ways));
  return isEnough ? { rooms: before.rooms, newcomers: new Set(newcomers.map(({ address }) => address)) } : undefined;
}

/** Nobody is in a room, and there are no more rooms than it takes. */
export function isSettled({ rooms, newcomers }: Seating, expected: Rooms): boolean {
  return newcomers.size === 0 && rooms.size === expected.size && [...rooms.keys()].every((id) => expected.has(id));
}

/** Entries that do not jump cost nothing, so who has no others needs no room. */
export function leadsOn(ways: Ways): boolean {
  return ways.egress.verdict === "jump" || ways.ingress.verdict === "jump";
}

function isSameWay(a: Ways, b: Ways): boolean {
  return isSameVerdict(a.egress, b.egress) && isSameVerdict(a.ingress, b.ingress);
}

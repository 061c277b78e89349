import { type Address, type Cidr, type Family, familyOf, formatAddress } from "../../core/address.ts";
import type { Endpoint, Members } from "../placement.ts";
import type { SetId } from "../program.ts";
import { type AddressRange, Intervals } from "./intervals.ts";
import { Partition } from "./partition.ts";
import { membersOf, type Situation, sameMembers } from "./situation.ts";
import { Ways } from "./ways.ts";

/**
 * Addresses of one family that no rule of any of the situations tells apart: the same policies apply to them, they are in the same sets
 * and have the same named ports. Either addresses that are known by name (of endpoints or in sets), or ranges of others.
 */
export interface Atom {
  readonly index: number;
  readonly family: Family;
  readonly addresses: readonly Address[];
  /** Less every address that is known by name. */
  readonly ranges: readonly AddressRange[];
  /** It has one address, whose way is to be looked at pair by pair. */
  readonly isSingle: boolean;
}

/** All addresses that exist, as atoms for some situations together. */
export class Atoms {
  readonly all: readonly Atom[];
  readonly ways: readonly Ways[];
  readonly #situations: readonly Situation[];
  readonly #intervals: Intervals;
  /** Where among the intervals addresses are that have been asked about. */
  readonly #places = new Map<Address, number>();
  /** By place of an interval. */
  readonly #rangeCells: readonly number[];
  readonly #atomOfCell = new Map<number, number>();
  readonly #atomOfAddress = new Map<Address, number>();
  /** Atoms (of either kind) within a cell of intervals. */
  readonly #atomsOfCell = new Map<number, readonly number[]>();
  readonly #members = new Map<Members, ReadonlySet<number>>();

  constructor(situations: readonly Situation[]) {
    this.#situations = situations;
    this.ways = situations.map((situation) => new Ways(situation));
    const sets = distinctMembers(situations);
    this.#intervals = new Intervals(sets.flatMap(({ cidrs }) => cidrs));
    this.#rangeCells = this.#divideRanges(sets);
    const addresses = namedAddresses(situations, sets);
    const singles = this.#singles(addresses);
    const cells = this.#divideAddresses(addresses, sets, singles);
    this.all = [...this.#namedAtoms(addresses, cells, singles), ...this.#otherAtoms(addresses)].map((atom, index) => ({
      ...atom,
      index,
    }));
    this.#index();
  }

  atomOf(address: Address): Atom {
    const named = this.#atomOfAddress.get(address);
    const index = named ?? this.#atomOfCell.get(this.#cellOf(address));
    if (index === undefined) throw new Error(`${address} is in no atom`);
    return this.all[index] as Atom;
  }

  /** Atoms whose addresses are in the set, in one of the situations. */
  membersOf(situation: number, id: SetId): ReadonlySet<number> {
    const members = membersOf(this.#situations[situation] as Situation, id);
    const known = this.#members.get(members);
    if (known !== undefined) return known;
    const found = new Set(members.addresses.map((address) => this.#atomOfAddress.get(address) as number));
    for (const cell of this.#cellsWithin(members.cidrs))
      for (const index of this.#atomsOfCell.get(cell) ?? []) found.add(index);
    this.#members.set(members, found);
    return found;
  }

  /** Some address of an atom. */
  exampleOf({ addresses, ranges }: Atom): Address {
    return addresses[0] ?? this.#unnamedIn(ranges);
  }

  #unnamedIn(ranges: readonly AddressRange[]): Address {
    for (const { family, from, to } of ranges)
      for (let value = from; value <= to; value++) {
        const address = formatAddress(family, value);
        if (!this.#atomOfAddress.has(address)) return address;
      }
    throw new Error("an atom without addresses");
  }

  #divideRanges(sets: readonly Members[]): readonly number[] {
    const partition = new Partition(this.#intervals.all.length);
    partition.splitBy(this.#intervals.all.map(({ family }) => family));
    for (const { cidrs } of sets) partition.split(cidrs.flatMap((cidr) => [...this.#intervals.placesWithin(cidr)]));
    return this.#intervals.all.map((_, place) => partition.cellOf(place));
  }

  #divideAddresses(addresses: readonly Address[], sets: readonly Members[], singles: ReadonlySet<Address>) {
    const keyOf = (address: Address) =>
      singles.has(address)
        ? address
        : [this.#cellOf(address), ...this.ways.map((ways) => ways.kindOf(address))].join(" ");
    const partition = new Partition(addresses.length);
    partition.splitBy(addresses.map(keyOf));
    const places = new Map(addresses.map((address, place) => [address, place]));
    const split = (some: readonly Address[]) => partition.split(some.map((address) => places.get(address) as number));
    for (const members of sets) for (const together of groupsIn(members)) split(together);
    for (const together of this.#boundTo(singles, addresses)) split(together);
    return addresses.map((_, place) => partition.cellOf(place));
  }

  /** Addresses that changed hands between the situations: whom they are exempt from has changed as well. */
  #singles(addresses: readonly Address[]): ReadonlySet<Address> {
    const holder = (ways: Ways, address: Address) => `${podAt(ways, address)?.id} ${ways.placeOf(address).node}`;
    const isSingle = (address: Address) => new Set(this.ways.map((ways) => holder(ways, address))).size > 1;
    return new Set(addresses.filter(isSingle));
  }

  /** For each single, who is on its node, and which of these are of its pod: with them it makes pairs of another kind. */
  #boundTo(singles: ReadonlySet<Address>, addresses: readonly Address[]): readonly (readonly Address[])[] {
    if (singles.size === 0) return [];
    return this.ways.flatMap((ways) => {
      const byNode = Map.groupBy(addresses, (address) => ways.placeOf(address).node);
      const byPod = Map.groupBy(addresses, (address) => podAt(ways, address)?.id);
      return [...singles].flatMap((address) => {
        const { node } = ways.placeOf(address);
        const pod = podAt(ways, address);
        return [node === null ? [] : (byNode.get(node) ?? []), pod === undefined ? [] : (byPod.get(pod.id) ?? [])];
      });
    });
  }

  #namedAtoms(addresses: readonly Address[], cells: readonly number[], singles: ReadonlySet<Address>) {
    const groups = Map.groupBy(addresses.keys(), (place) => cells[place]);
    return [...groups.values()].map((places) => {
      const own = places.map((place) => addresses[place] as Address);
      const first = own[0] as Address;
      return { family: familyOf(first), addresses: own, ranges: [], isSingle: singles.has(first) };
    });
  }

  #otherAtoms(addresses: readonly Address[]) {
    const taken = new Map<number, bigint>();
    for (const address of addresses) {
      const place = this.#placeOf(address);
      taken.set(place, (taken.get(place) ?? 0n) + 1n);
    }
    const free = [...this.#intervals.all.entries()].filter(
      ([place, { from, to }]) => to - from + 1n > (taken.get(place) ?? 0n),
    );
    return [...Map.groupBy(free, ([place]) => this.#rangeCells[place]).values()].map((group) => {
      const ranges = group.map(([, range]) => range);
      return { family: (ranges[0] as AddressRange).family, addresses: [], ranges, isSingle: false };
    });
  }

  #index(): void {
    const within = new Map<number, number[]>();
    for (const atom of this.all) {
      for (const address of atom.addresses) this.#atomOfAddress.set(address, atom.index);
      const cell = this.#cellOf(this.exampleOf(atom));
      if (atom.addresses.length === 0) this.#atomOfCell.set(cell, atom.index);
      const together = within.get(cell) ?? [];
      together.push(atom.index);
      within.set(cell, together);
    }
    for (const [cell, atoms] of within) this.#atomsOfCell.set(cell, atoms);
  }

  #placeOf(address: Address): number {
    const place = this.#places.get(address) ?? this.#intervals.placeOf(address);
    this.#places.set(address, place);
    return place;
  }

  #cellOf(address: Address): number {
    return this.#rangeCells[this.#placeOf(address)] as number;
  }

  #cellsWithin(cidrs: readonly Cidr[]): ReadonlySet<number> {
    const places = cidrs.flatMap((cidr) => [...this.#intervals.placesWithin(cidr)]);
    return new Set(places.map((place) => this.#rangeCells[place] as number));
  }
}

/** The members of all sets; those that a set has in two situations alike once. */
function distinctMembers(situations: readonly Situation[]): readonly Members[] {
  const found: Members[] = [];
  for (const [at, situation] of situations.entries())
    for (const id of situation.program.sets.keys()) {
      const members = membersOf(situation, id);
      const before = situations.slice(0, at).map(({ placement }) => placement.members.get(id));
      if (!before.some((known) => known !== undefined && sameMembers(known, members))) found.push(members);
    }
  return found;
}

function namedAddresses(situations: readonly Situation[], sets: readonly Members[]): readonly Address[] {
  const found = new Set<Address>();
  for (const { placement } of situations)
    for (const { addresses } of placement.endpoints.values()) for (const address of addresses) found.add(address);
  for (const { addresses, ports } of sets) {
    for (const address of addresses) found.add(address);
    for (const { address } of ports) found.add(address);
  }
  return [...found];
}

function podAt(ways: Ways, address: Address): Endpoint | undefined {
  const place = ways.placeOf(address);
  return place.at === "pod" ? place.pod : undefined;
}

/** Addresses that the set means, and those that it means with one port. */
function groupsIn({ addresses, ports }: Members): readonly (readonly Address[])[] {
  const byPort = Map.groupBy(ports, ({ protocol, port }) => `${protocol} ${port}`);
  const withPort = [...byPort.values()].map((entries) => entries.map(({ address }) => address));
  return addresses.length > 0 ? [addresses, ...withPort] : withPort;
}

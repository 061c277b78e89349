import { type Address, addressValue, type Cidr, type Family, familyOf, widthOf } from "../../core/address.ts";

/** Addresses from one number to the other, both included. */
export interface AddressRange {
  readonly family: Family;
  readonly from: bigint;
  readonly to: bigint;
}

function rangeOfCidr({ family, base, bits }: Cidr): AddressRange {
  return { family, from: base, to: base + (1n << BigInt(widthOf(family) - bits)) - 1n };
}

/** All addresses of both families, cut at the edges of some CIDRs, so that each of those is made of whole pieces. */
export class Intervals {
  readonly all: readonly AddressRange[];
  readonly #starts: Readonly<Record<Family, readonly bigint[]>>;
  readonly #places: Readonly<Record<Family, ReadonlyMap<bigint, number>>>;

  constructor(cidrs: Iterable<Cidr>) {
    const edges = { 4: new Set([0n]), 6: new Set([0n]) };
    for (const cidr of cidrs) {
      const { family, from, to } = rangeOfCidr(cidr);
      edges[family].add(from);
      if (to + 1n < sizeOf(family)) edges[family].add(to + 1n);
    }
    this.#starts = { 4: ascending(edges[4]), 6: ascending(edges[6]) };
    this.all = [...piecesOf(4, this.#starts[4]), ...piecesOf(6, this.#starts[6])];
    const offsets = { 4: 0, 6: this.#starts[4].length };
    this.#places = { 4: placesOf(this.#starts[4], offsets[4]), 6: placesOf(this.#starts[6], offsets[6]) };
  }

  /** Where in `all` the pieces of one of the CIDRs stand. */
  *placesWithin(cidr: Cidr): Generator<number> {
    const { family, from, to } = rangeOfCidr(cidr);
    const first = this.#places[family].get(from);
    if (first === undefined) throw new Error(`${cidr.text} is none of the CIDRs that the intervals were cut by`);
    for (let at = first; this.#isWithin(at, family, to); at++) yield at;
  }

  /** Where in `all` the piece of an address stands. */
  placeOf(address: Address): number {
    const [family, value] = [familyOf(address), addressValue(address)];
    const starts = this.#starts[family];
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as bigint) <= value) low = middle;
      else high = middle;
    }
    return this.#places[family].get(starts[low] as bigint) as number;
  }

  #isWithin(place: number, family: Family, last: bigint): boolean {
    const piece = this.all[place];
    return piece !== undefined && piece.family === family && piece.from <= last;
  }
}

function sizeOf(family: Family): bigint {
  return 1n << BigInt(widthOf(family));
}

function ascending(values: Iterable<bigint>): readonly bigint[] {
  return [...values].sort((a, b) => (a < b ? -1 : 1));
}

function piecesOf(family: Family, starts: readonly bigint[]): readonly AddressRange[] {
  return starts.map((from, at) => ({ family, from, to: (starts[at + 1] ?? sizeOf(family)) - 1n }));
}

function placesOf(starts: readonly bigint[], offset: number): ReadonlyMap<bigint, number> {
  return new Map(starts.map((start, at) => [start, offset + at]));
}

import { type Address, type Family, familyOf, formatAddress, widthOf } from "../../core/address.ts";
import type { Atoms } from "../space/atoms.ts";
import type { AddressRange } from "../space/intervals.ts";
import type { Everybody, Group } from "./group.ts";

/** Addresses that are no endpoint's; CIDRs mean those of their addresses that are none. */
export interface Networks {
  /** `only` these, or all that there are `but` these. */
  readonly sense: "only" | "but";
  readonly items: readonly string[];
}

/** Says which addresses outside a group has. */
export class NetworkBook {
  readonly #ranges: readonly AddressRange[];
  readonly #addresses: readonly Address[];

  constructor(atoms: Atoms, everybody: Everybody) {
    const ranges = atoms.all.flatMap((atom) => atom.ranges);
    this.#ranges = ranges.sort((a, b) => a.family - b.family || (a.from < b.from ? -1 : 1));
    this.#addresses = atoms.all
      .flatMap(({ addresses }) => addresses)
      .filter((one) => everybody.ownerOf(one) === undefined);
  }

  of({ families, addresses, ranges }: Group): Networks {
    const meant = { ranges: new Set(ranges), addresses: new Set(addresses) };
    const others = {
      ranges: this.#ranges.filter((range) => families.has(range.family) && !meant.ranges.has(range)),
      addresses: this.#addresses.filter((one) => families.has(familyOf(one)) && !meant.addresses.has(one)),
    };
    const items = [...networksOf(ranges, this.#ranges), ...addresses];
    const rest = [...networksOf(others.ranges, this.#ranges), ...others.addresses];
    // Addresses of endpoints of whom others are not meant are no part of "all outside".
    const strays = addresses.length > this.#addresses.filter((one) => meant.addresses.has(one)).length;
    return items.length <= rest.length || ranges.length === 0 || strays
      ? { sense: "only", items }
      : { sense: "but", items: rest };
  }
}

/**
 * Addresses with no name, cut into pieces, as few CIDRs as say the same. Between pieces that follow each other in `all` lie only addresses
 * with a name, which a CIDR may cover.
 */
function networksOf(some: readonly AddressRange[], all: readonly AddressRange[]): readonly string[] {
  return joined(some, all).flatMap(cidrsOf);
}

/** Pieces that follow each other as one. */
function joined(some: readonly AddressRange[], all: readonly AddressRange[]): readonly AddressRange[] {
  const meant = new Set(some);
  const result: AddressRange[] = [];
  let last: AddressRange | undefined;
  for (const piece of all) {
    const open = last?.family === piece.family ? last : undefined;
    if (!meant.has(piece)) last = undefined;
    else {
      last = { family: piece.family, from: open?.from ?? piece.from, to: piece.to };
      if (open === undefined) result.push(last);
      else result[result.length - 1] = last;
    }
  }
  return result;
}

function cidrsOf({ family, from, to }: AddressRange): readonly string[] {
  const result: string[] = [];
  for (let at = from; at <= to; ) {
    let host = 0n;
    while (host < BigInt(widthOf(family)) && fits(at, host + 1n, to)) host += 1n;
    result.push(textOf(family, at, widthOf(family) - Number(host)));
    at += 1n << host;
  }
  return result;
}

/** Whether the block of that many host bits begins at `at` and ends by `to`. */
function fits(at: bigint, host: bigint, to: bigint): boolean {
  const size = 1n << host;
  return at % size === 0n && at + size - 1n <= to;
}

/** A single address goes without its length. */
function textOf(family: Family, base: bigint, bits: number): string {
  const address: Address = formatAddress(family, base);
  return bits === widthOf(family) ? address : `${address}/${bits}`;
}

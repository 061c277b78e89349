import type { Address } from "../core/address.ts";
import { PrefixTable } from "../core/prefix-table.ts";
import type { Members } from "./placement.ts";

/** The members of one set, ready for lookups. */
export class SetIndex {
  readonly #addresses: ReadonlySet<Address>;
  readonly #cidrs: PrefixTable<true> | null;
  readonly #ports: ReadonlySet<string>;

  constructor({ addresses, cidrs, ports }: Members) {
    this.#addresses = new Set(addresses);
    this.#cidrs = cidrs.length === 0 ? null : new PrefixTable<true>();
    for (const cidr of cidrs) this.#cidrs?.set(cidr, true);
    this.#ports = new Set(ports.map(({ address, protocol, port }) => keyOf(address, protocol, port)));
  }

  /** Whether `hasAddress` is slow enough to be worth remembering. */
  get hasCidrs(): boolean {
    return this.#cidrs !== null;
  }

  hasAddress(address: Address): boolean {
    return this.#addresses.has(address) || this.#cidrs?.lookup(address) === true;
  }

  hasPort(address: Address, protocol: number, port: number): boolean {
    return this.#ports.size > 0 && this.#ports.has(keyOf(address, protocol, port));
  }
}

const keyOf = (address: Address, protocol: number, port: number) => `${address} ${protocol} ${port}`;

const known = new WeakMap<Members, SetIndex>();

/** Members never change, and most of them stay when a Placement is replaced: so does their index. */
export function indexOf(members: Members): SetIndex {
  const found = known.get(members) ?? new SetIndex(members);
  known.set(members, found);
  return found;
}

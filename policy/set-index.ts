import { type Address, addressValue, type Cidr, type Family, familyOf, widthOf } from "../core/address.ts";
import type { Members, Placement } from "./placement.ts";
import { Whereabouts } from "./whereabouts.ts";

/** One end of a packet, taken apart once. */
export class End {
  readonly address: Address;
  readonly family: Family;
  #value: number | bigint | undefined;

  constructor(address: Address) {
    this.address = address;
    this.family = familyOf(address);
  }

  /** Of 32 bits for IPv4 (a number, for speed), of 128 for IPv6. */
  get value(): number | bigint {
    this.#value ??= this.family === 4 ? Number(addressValue(this.address)) : addressValue(this.address);
    return this.#value;
  }
}

/** The members of one set, ready for lookups. */
export interface SetIndex {
  has(end: End): boolean;
  hasPort(end: End, protocol: number, port: number): boolean;
}

/** Members that are listed. */
class ListedSet implements SetIndex {
  readonly #addresses: ReadonlySet<Address>;
  readonly #four: readonly Level<number>[];
  readonly #six: readonly Level<bigint>[];
  readonly #ports: ReadonlySet<string>;

  constructor({ addresses, cidrs, ports }: Members) {
    this.#addresses = new Set(addresses);
    this.#four = levelsOf(cidrs, 4, (base, { host }) => Math.floor(Number(base) / 2 ** host));
    this.#six = levelsOf(cidrs, 6, (base, { host }) => base >> BigInt(host));
    this.#ports = new Set(ports.map(({ address, protocol, port }) => portKey(address, protocol, port)));
  }

  has(end: End): boolean {
    if (this.#addresses.size > 0 && this.#addresses.has(end.address)) return true;
    if (end.family === 4) {
      for (const { host, prefixes } of this.#four) {
        // Not by a shift, which takes 32 bits for none.
        if (prefixes.has(Math.floor((end.value as number) / 2 ** host))) return true;
      }
      return false;
    }
    return this.#six.some(({ host, prefixes }) => prefixes.has((end.value as bigint) >> BigInt(host)));
  }

  hasPort({ address }: End, protocol: number, port: number): boolean {
    return this.#ports.size > 0 && this.#ports.has(portKey(address, protocol, port));
  }
}

/**
 * Members that are told by the endpoints they are from: who has the address is asked, and whether he is among them. A list of 100,000
 * addresses would have to be made anew for each pod that comes.
 */
class FollowedSet implements SetIndex {
  readonly #from: NonNullable<Members["from"]>;
  readonly #port: string | undefined;
  readonly #whereabouts: Whereabouts;
  readonly #nets: ListedSet;

  constructor(from: NonNullable<Members["from"]>, port: string | undefined, whereabouts: Whereabouts) {
    this.#from = from;
    this.#port = port;
    this.#whereabouts = whereabouts;
    const cidrs = port === undefined ? whereabouts.netsOf((id) => from.has(id)) : [];
    this.#nets = new ListedSet({ addresses: [], cidrs, ports: [] });
  }

  has(end: End): boolean {
    if (this.#port !== undefined) return false;
    return this.#whereabouts.allAt(end.address).some(({ id }) => this.#from.has(id)) || this.#nets.has(end);
  }

  hasPort({ address }: End, protocol: number, port: number): boolean {
    if (this.#port === undefined) return false;
    return this.#whereabouts
      .allAt(address)
      .some(({ id }) =>
        this.#from
          .get(id)
          ?.ports.some((one) => one.name === this.#port && one.protocol === protocol && one.port === port),
      );
  }
}

/** All prefixes of one length, without their `host` bits. */
interface Level<T> {
  readonly host: number;
  readonly prefixes: ReadonlySet<T>;
}

function levelsOf<T>(
  cidrs: readonly Cidr[],
  family: Family,
  prefixOf: (base: bigint, level: { readonly host: number }) => T,
): readonly Level<T>[] {
  const byLength = Map.groupBy(
    cidrs.filter((cidr) => cidr.family === family),
    ({ bits }) => widthOf(family) - bits,
  );
  return [...byLength].map(([host, some]) => ({
    host,
    prefixes: new Set(some.map(({ base }) => prefixOf(base, { host }))),
  }));
}

const portKey = (address: Address, protocol: number, port: number) => `${address} ${protocol} ${port}`;

const known = new WeakMap<Members, SetIndex>();

/** Members never change, and most of them stay when a Placement is replaced: so does their index. */
export function indexOf(members: Members, { endpoints }: Placement): SetIndex {
  const found = known.get(members);
  if (found !== undefined) return found;
  const { from, port } = members;
  const index = from === undefined ? new ListedSet(members) : new FollowedSet(from, port, Whereabouts.of(endpoints));
  known.set(members, index);
  return index;
}

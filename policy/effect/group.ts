import { type Address, type Family, familyOf } from "../../core/address.ts";
import type { Endpoint, EndpointId } from "../placement.ts";
import type { Atom, Atoms } from "../space/atoms.ts";
import type { AddressRange } from "../space/intervals.ts";
import type { Situation } from "../space/situation.ts";

/** Addresses, by whose they are. */
export interface Group {
  /** Those of which it has addresses. */
  readonly families: ReadonlySet<Family>;
  /** Pods, nodes and hosts with all addresses they have (of the families that the group is about). */
  readonly endpoints: readonly Endpoint[];
  /** Others with a name: members of sets that are nobody's, and those of endpoints of whom not all addresses are meant. */
  readonly addresses: readonly Address[];
  /** Less all addresses of endpoints and members of sets. */
  readonly ranges: readonly AddressRange[];
}

/** All that have addresses, in one or the other situation. */
export class Everybody {
  readonly atoms: Atoms;
  /**
   * As they are in the last situation that knows them, each with the addresses that are its own, and without pods that share their node's.
   */
  readonly endpoints: ReadonlyMap<EndpointId, Endpoint>;
  readonly #ownerOf = new Map<Address, Endpoint>();

  constructor(situations: readonly Situation[], atoms: Atoms) {
    this.atoms = atoms;
    const known = new Map<EndpointId, Endpoint>();
    for (const { placement } of situations)
      for (const endpoint of placement.endpoints.values())
        if (!endpoint.hostNetwork && endpoint.kind !== "set") known.set(endpoint.id, endpoint);
    const owners = ownersOf(known.values());
    this.endpoints = new Map(
      [...known].map(([id, endpoint]) => {
        const addresses = endpoint.addresses.filter((address) => owners.get(address) === id);
        return [id, addresses.length === endpoint.addresses.length ? endpoint : { ...endpoint, addresses }];
      }),
    );
    for (const [address, id] of owners) this.#ownerOf.set(address, this.endpoints.get(id) as Endpoint);
  }

  groupOf(atoms: readonly Atom[]): Group {
    const addresses = new Set(atoms.flatMap((atom) => atom.addresses));
    const families = new Set(atoms.map(({ family }) => family));
    const meant = (address: Address) => addresses.has(address) || !families.has(familyOf(address));
    const owners = [...addresses].map((address) => this.#ownerOf.get(address)).filter((owner) => owner !== undefined);
    const endpoints = [...new Set(owners)].filter((owner) => owner.addresses.every(meant));
    const whole = new Set(endpoints);
    const isOther = (address: Address) => !whole.has(this.#ownerOf.get(address) as Endpoint);
    return {
      families,
      endpoints: endpoints.sort((a, b) => (a.id < b.id ? -1 : 1)),
      addresses: [...addresses].filter(isOther).sort(),
      ranges: atoms.flatMap(({ ranges }) => ranges),
    };
  }

  ownerOf(address: Address): Endpoint | undefined {
    return this.#ownerOf.get(address);
  }

  hasFamily(endpoint: Endpoint, family: Family): boolean {
    return endpoint.addresses.some((address) => familyOf(address) === family);
  }
}

/** Of endpoints that claim one address a pod has it, before a node and a host. */
function ownersOf(endpoints: Iterable<Endpoint>): ReadonlyMap<Address, EndpointId> {
  const owners = new Map<Address, Endpoint>();
  for (const endpoint of endpoints)
    for (const address of endpoint.addresses) {
      const owner = owners.get(address);
      if (owner === undefined || rank[endpoint.kind] >= rank[owner.kind]) owners.set(address, endpoint);
    }
  return new Map([...owners].map(([address, { id }]) => [address, id]));
}

const rank = { set: 0, host: 1, node: 2, pod: 3 };

import { type Address, type Family, familyOf } from "../../core/address.ts";
import type { Endpoint, EndpointId } from "../placement.ts";
import type { Atom, Atoms } from "../space/atoms.ts";
import type { AddressRange } from "../space/intervals.ts";
import type { Situation } from "../space/situation.ts";

/** Addresses, by whose they are. */
export interface Group {
  /** Those of which it has addresses. */
  readonly families: ReadonlySet<Family>;
  /** Pods, nodes and hosts with all their addresses (of the families that the group is about). */
  readonly endpoints: readonly Endpoint[];
  /** Others with a name: members of sets that are nobody's, and those of endpoints of whom not all addresses are meant. */
  readonly addresses: readonly Address[];
  /** Less all addresses of endpoints and members of sets. */
  readonly ranges: readonly AddressRange[];
}

/** All that have addresses, in one or the other situation. */
export class Everybody {
  readonly atoms: Atoms;
  /** As they are in the last situation that knows them, without pods that share their node's addresses. */
  readonly endpoints: ReadonlyMap<EndpointId, Endpoint>;
  readonly #ownerOf = new Map<Address, Endpoint>();

  constructor(situations: readonly Situation[], atoms: Atoms) {
    this.atoms = atoms;
    const endpoints = new Map<EndpointId, Endpoint>();
    for (const { placement } of situations)
      for (const endpoint of placement.endpoints.values())
        if (!endpoint.hostNetwork && endpoint.kind !== "set") endpoints.set(endpoint.id, endpoint);
    this.endpoints = endpoints;
    for (const endpoint of endpoints.values())
      for (const address of endpoint.addresses)
        if (rank(endpoint) >= rank(this.#ownerOf.get(address))) this.#ownerOf.set(address, endpoint);
  }

  groupOf(atoms: readonly Atom[]): Group {
    const addresses = new Set(atoms.flatMap((atom) => atom.addresses));
    const families = new Set(atoms.map(({ family }) => family));
    const meant = (address: Address) => addresses.has(address) || !families.has(familyOf(address));
    const owners = new Set([...addresses].map((address) => this.#ownerOf.get(address)));
    const endpoints = [...owners].filter(
      (owner): owner is Endpoint => owner !== undefined && this.#own(owner).every(meant),
    );
    const whole = new Set(endpoints);
    const isOther = (address: Address) => !whole.has(this.#ownerOf.get(address) as Endpoint);
    return {
      families,
      endpoints: endpoints.sort((a, b) => (a.id < b.id ? -1 : 1)),
      addresses: [...addresses].filter(isOther).sort(),
      ranges: atoms.flatMap(({ ranges }) => ranges),
    };
  }

  isOwned(address: Address): boolean {
    return this.#ownerOf.has(address);
  }

  hasFamily(endpoint: Endpoint, family: Family): boolean {
    return this.#own(endpoint).some((address) => familyOf(address) === family);
  }

  /** Those of its addresses that no other has. */
  #own(endpoint: Endpoint): readonly Address[] {
    return endpoint.addresses.filter((address) => this.#ownerOf.get(address) === endpoint);
  }
}

/** Of endpoints that claim one address a pod has it, before a host and a node. */
function rank(endpoint: Endpoint | undefined): number {
  return endpoint === undefined ? 0 : { set: 0, node: 1, host: 2, pod: 3 }[endpoint.kind];
}

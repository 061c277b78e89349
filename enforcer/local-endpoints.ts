import type { Address } from "../core/address.ts";
import { Multimap } from "../core/multimap.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { Endpoint, EndpointId, Placement } from "../policy/placement.ts";

type Endpoints = Placement["endpoints"];

/**
 * The pods that run on one node, by address, and its host endpoints, followed from Placement to Placement at the cost of what has
 * changed. If two pods claim one address, the last has it, on whatever node: as the evaluator sees it.
 */
export class LocalEndpoints {
  readonly #node: string;
  readonly #claims = new Multimap<Address, EndpointId>();
  readonly #hosts = new Map<EndpointId, Endpoint>();
  /** Addresses of which a pod of this node may be the owner. */
  readonly #near = new Set<Address>();
  #endpoints: Endpoints = SortedMap.empty();

  constructor(node: string) {
    this.#node = node;
  }

  get hosts(): readonly Endpoint[] {
    return [...this.#hosts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  pods(): ReadonlyMap<Address, Endpoint> {
    const pods = new Map<Address, Endpoint>();
    for (const address of this.#near) {
      const id = this.#owner(address);
      const endpoint = id === undefined ? undefined : this.#endpoints.get(id);
      if (endpoint?.node === this.#node) pods.set(address, endpoint);
    }
    return pods;
  }

  /** True if what it tells may be something else now. */
  follow(endpoints: Endpoints): boolean {
    const before = this.#endpoints;
    if (before === endpoints) return false;
    this.#endpoints = endpoints;
    if (before instanceof SortedMap && endpoints instanceof SortedMap) {
      let touched = false;
      for (const change of endpoints.differences(before))
        touched = this.#change(change.before, change.after) || touched;
      return touched;
    }
    for (const endpoint of before.values()) this.#change(endpoint, undefined);
    for (const endpoint of endpoints.values()) this.#change(undefined, endpoint);
    return true;
  }

  #change(before: Endpoint | undefined, after: Endpoint | undefined): boolean {
    const touched = [before, after].some((endpoint) => endpoint !== undefined && this.#concerns(endpoint));
    for (const address of addressesOf(before)) this.#release(address, (before as Endpoint).id);
    for (const address of addressesOf(after)) this.#claim(address, after as Endpoint);
    if (before?.kind === "host") this.#hosts.delete(before.id);
    if (after?.kind === "host" && after.node === this.#node) this.#hosts.set(after.id, after);
    return touched;
  }

  /** One of this node, or one with whom a pod of this node may share an address. */
  #concerns(endpoint: Endpoint): boolean {
    if (endpoint.node === this.#node) return endpoint.kind === "pod" || endpoint.kind === "host";
    return addressesOf(endpoint).some((address) => this.#near.has(address));
  }

  #claim(address: Address, { id, node }: Endpoint): void {
    this.#claims.add(address, id);
    if (node === this.#node) this.#near.add(address);
  }

  #release(address: Address, id: EndpointId): void {
    this.#claims.delete(address, id);
    if (!this.#claims.has(address)) this.#near.delete(address);
  }

  #owner(address: Address): EndpointId | undefined {
    const claims = [...this.#claims.get(address)];
    // Ids of a SortedMap come in any order here, those of another map in the one that counts.
    return this.#endpoints instanceof SortedMap ? claims.sort().at(-1) : claims.at(-1);
  }
}

function addressesOf(endpoint: Endpoint | undefined): readonly Address[] {
  return endpoint?.kind === "pod" && !endpoint.hostNetwork ? endpoint.addresses : [];
}

import type { Address } from "../core/address.ts";
import { Multimap } from "../core/multimap.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { Endpoint, EndpointId, Placement } from "../policy/placement.ts";

type Endpoints = Placement["endpoints"];

/**
 * The pods that run on one node, by address, those that are to, and its host endpoints, followed from Placement to Placement at the
 * cost of what has changed. If two pods claim one address, the last has it, on whatever node: as the evaluator sees it.
 */
export class LocalEndpoints {
  readonly #node: string;
  readonly #claims = new Multimap<Address, EndpointId>();
  readonly #hosts = new Map<EndpointId, Endpoint>();
  readonly #expected = new Map<EndpointId, Endpoint>();
  /** Addresses of which a pod of this node may be the owner. */
  readonly #near = new Set<Address>();
  readonly #pods = new Map<Address, Endpoint>();
  #told: ReadonlyMap<Address, Endpoint> | undefined;
  #addresses: ReadonlySet<Address> | undefined;
  #endpoints: Endpoints = SortedMap.empty();

  constructor(node: string) {
    this.#node = node;
  }

  get hosts(): readonly Endpoint[] {
    return [...this.#hosts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Pods that were sent to this node and have no address yet. */
  get expected(): readonly Endpoint[] {
    return [...this.#expected.values()];
  }

  /** The very same map until `follow` returns true. */
  pods(): ReadonlyMap<Address, Endpoint> {
    this.#told ??= new Map(this.#pods);
    return this.#told;
  }

  /** Of these pods. */
  addresses(): ReadonlySet<Address> {
    this.#addresses ??= new Set(this.#pods.keys());
    return this.#addresses;
  }

  /** True if what it tells may be something else now. */
  follow(endpoints: Endpoints): boolean {
    const before = this.#endpoints;
    if (before === endpoints) return false;
    this.#endpoints = endpoints;
    const touched = new Set<Address>();
    let isTouched = false;
    for (const [was, is] of changesOf(before, endpoints))
      if (this.#change(was, is)) {
        isTouched = true;
        for (const address of [...addressesOf(was), ...addressesOf(is)]) touched.add(address);
      }
    for (const address of touched) this.#settle(address);
    if (isTouched) [this.#told, this.#addresses] = [undefined, undefined];
    return isTouched || !(endpoints instanceof SortedMap);
  }

  #change(before: Endpoint | undefined, after: Endpoint | undefined): boolean {
    const touched = [before, after].some((endpoint) => endpoint !== undefined && this.#concerns(endpoint));
    for (const address of addressesOf(before)) this.#release(address, (before as Endpoint).id);
    for (const address of addressesOf(after)) this.#claim(address, after as Endpoint);
    if (before !== undefined) for (const own of [this.#hosts, this.#expected]) own.delete(before.id);
    if (after?.node === this.#node && after.kind === "host") this.#hosts.set(after.id, after);
    if (after?.node === this.#node && isWithoutAddress(after)) this.#expected.set(after.id, after);
    return touched;
  }

  /** Who has an address, now that all claims are known. */
  #settle(address: Address): void {
    const id = this.#near.has(address) ? this.#owner(address) : undefined;
    const endpoint = id === undefined ? undefined : this.#endpoints.get(id);
    if (endpoint?.node === this.#node) this.#pods.set(address, endpoint);
    else this.#pods.delete(address);
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

type EndpointChange = readonly [before: Endpoint | undefined, after: Endpoint | undefined];

/** Of maps that do not know how they differ, everything goes and comes. */
function* changesOf(before: Endpoints, after: Endpoints): Generator<EndpointChange> {
  if (before instanceof SortedMap && after instanceof SortedMap)
    for (const change of after.differences(before)) yield [change.before, change.after];
  else {
    for (const endpoint of before.values()) yield [endpoint, undefined];
    for (const endpoint of after.values()) yield [undefined, endpoint];
  }
}

function addressesOf(endpoint: Endpoint | undefined): readonly Address[] {
  return endpoint?.kind === "pod" && !endpoint.hostNetwork ? endpoint.addresses : [];
}

function isWithoutAddress({ kind, hostNetwork, addresses }: Endpoint): boolean {
  return kind === "pod" && !hostNetwork && addresses.length === 0;
}

import type { Address, Cidr } from "../core/address.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { Endpoint, EndpointId, Placement } from "./placement.ts";

type Endpoints = Placement["endpoints"];

/** Those who say that an address is theirs, in order of the endpoints. */
type Claims = readonly Endpoint[];

/** Beyond so many changed addresses, in parts of all, they are put together anew. */
const overlayShare = 1 / 8;
/** Of worlds that differ in more endpoints than this, one is no step from the other. */
const maxStep = 4_096;

/**
 * Who has which address. It never changes; that of the next endpoints is made from this by what differs, so that a pod that comes among
 * 100,000 costs microseconds.
 */
export class Whereabouts {
  readonly #endpoints: Endpoints;
  readonly #base: ReadonlyMap<Address, Claims>;
  /** What is otherwise than in `base`; null: nobody has it. */
  readonly #over: SortedMap<Address, Claims | null>;
  readonly #special: SortedMap<EndpointId, Endpoint>;
  /** How many declare a port. */
  readonly #ports: ReadonlyMap<number, number>;
  #hosts: ReadonlyMap<string, readonly Endpoint[]> | undefined;

  private constructor(
    endpoints: Endpoints,
    base: ReadonlyMap<Address, Claims>,
    over: SortedMap<Address, Claims | null>,
    special: SortedMap<EndpointId, Endpoint>,
    ports: ReadonlyMap<number, number>,
  ) {
    this.#endpoints = endpoints;
    this.#base = base;
    this.#over = over;
    this.#special = special;
    this.#ports = ports;
  }

  static of(endpoints: Endpoints): Whereabouts {
    const known = made.get(endpoints);
    if (known !== undefined) return known;
    const before = latest?.deref();
    const found = (before === undefined ? undefined : before.#next(endpoints)) ?? Whereabouts.#fromScratch(endpoints);
    made.set(endpoints, found);
    latest = new WeakRef(found);
    return found;
  }

  static #fromScratch(endpoints: Endpoints): Whereabouts {
    const base = new Map<Address, Endpoint[]>();
    const special = new Map<EndpointId, Endpoint>();
    const ports = new Map<number, number>();
    for (const endpoint of endpoints.values()) {
      count(ports, endpoint, 1);
      if (isSpecial(endpoint)) special.set(endpoint.id, endpoint);
      for (const address of endpoint.addresses) {
        const claims = base.get(address);
        if (claims === undefined) base.set(address, [endpoint]);
        else claims.push(endpoint);
      }
    }
    const none = SortedMap.empty<EndpointId, Endpoint>();
    return new Whereabouts(endpoints, base, SortedMap.empty(), none.with(special), ports);
  }

  /** Undefined if too much is otherwise. */
  #next(endpoints: Endpoints): Whereabouts | undefined {
    if (!(endpoints instanceof SortedMap) || !(this.#endpoints instanceof SortedMap)) return undefined;
    const claims = new Map<Address, Claims | null>();
    const special = new Map<EndpointId, Endpoint | undefined>();
    const claimsOf = (address: Address) =>
      claims.has(address) ? (claims.get(address) ?? nobody) : this.#claims(address);
    const ports = new Map(this.#ports);
    let steps = 0;
    for (const { key, before, after } of (endpoints as SortedMap<EndpointId, Endpoint>).differences(this.#endpoints)) {
      if (++steps > maxStep) return undefined;
      count(ports, before, -1);
      count(ports, after, 1);
      for (const address of before?.addresses ?? [])
        claims.set(address, orNull(claimsOf(address).filter(({ id }) => id !== key)));
      for (const address of after?.addresses ?? [])
        claims.set(address, inOrder([...claimsOf(address), after as Endpoint]));
      if (isSpecial(before) || isSpecial(after)) special.set(key, isSpecial(after) ? after : undefined);
    }
    const over = this.#over.with(claims);
    if (over.size > maxStep && over.size > this.#base.size * overlayShare) return undefined;
    return new Whereabouts(endpoints, this.#base, over, this.#special.with(special), ports);
  }

  /** The pod of its own network that has an address; the last, if several say so. */
  podAt(address: Address): Endpoint | undefined {
    return this.#claims(address).findLast(isPodOfItsOwn);
  }

  /** The node that has an address, by itself, an interface, or a pod that shares its network. */
  nodeAt(address: Address): string | undefined {
    const claim = this.#claims(address).findLast((endpoint) => nodeOf(endpoint) !== null);
    return claim === undefined ? undefined : (nodeOf(claim) ?? undefined);
  }

  /** Who else says that an address is his, and may be meant by it. */
  othersAt(address: Address): readonly Endpoint[] {
    const claims = this.#claims(address);
    if (claims.length === 0) return claims;
    const pod = claims.findLast(isPodOfItsOwn);
    return claims.length === 1 && pod !== undefined
      ? nobody
      : claims.filter((endpoint) => endpoint !== pod && !endpoint.hostNetwork);
  }

  /** Everybody who says that an address is his. */
  allAt(address: Address): readonly Endpoint[] {
    return this.#claims(address);
  }

  /** Host endpoints by node, in order of ids. */
  get hosts(): ReadonlyMap<string, readonly Endpoint[]> {
    const hosts = () => [...this.#special.values()].filter(({ kind }) => kind === "host");
    this.#hosts ??= Map.groupBy(hosts(), ({ node }) => node ?? "");
    return this.#hosts;
  }

  /** Of network sets. */
  *nets(): Iterable<Cidr> {
    for (const { nets } of this.#special.values()) yield* nets;
  }

  netsOf(isMeant: (id: EndpointId) => boolean): readonly Cidr[] {
    return [...this.#special.values()].filter(({ id }) => isMeant(id)).flatMap(({ nets }) => nets);
  }

  /** Each once. */
  declaredPorts(): Iterable<number> {
    return this.#ports.keys();
  }

  #claims(address: Address): Claims {
    const changed = this.#over.size === 0 ? undefined : this.#over.get(address);
    return (changed === undefined ? this.#base.get(address) : changed) ?? nobody;
  }
}

const made = new WeakMap<Endpoints, Whereabouts>();
let latest: WeakRef<Whereabouts> | undefined;

const nobody: Claims = [];

function count(ports: Map<number, number>, endpoint: Endpoint | undefined, by: 1 | -1): void {
  for (const { port } of endpoint?.ports ?? []) {
    const now = (ports.get(port) ?? 0) + by;
    if (now === 0) ports.delete(port);
    else ports.set(port, now);
  }
}

const orNull = (claims: Claims): Claims | null => (claims.length === 0 ? null : claims);
const inOrder = (claims: Claims): Claims => claims.toSorted((a, b) => (a.id < b.id ? -1 : 1));
const isPodOfItsOwn = ({ kind, hostNetwork }: Endpoint) => kind === "pod" && !hostNetwork;
const isSpecial = (endpoint: Endpoint | undefined): boolean =>
  endpoint !== undefined && (endpoint.kind === "host" || endpoint.nets.length > 0);

function nodeOf({ kind, name, node, hostNetwork }: Endpoint): string | null {
  if (kind === "node") return name;
  return kind === "host" || hostNetwork ? node : null;
}

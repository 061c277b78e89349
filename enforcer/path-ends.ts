import { type Address, type Cidr, cidrContains, formatAddress, widthOf } from "../core/address.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { Endpoint, EndpointId, Placement } from "../policy/placement.ts";
import { matches } from "../policy/selector/syntax.ts";
import { Whereabouts } from "../policy/whereabouts.ts";
import type { PathEnd } from "./guarded-path.ts";
import { Sorts } from "./pod-sorts.ts";

/** Somebody at one end of a path. */
export interface Stop {
  /** `pod shop/web`, `node node-1`, `10.0.0.9`. */
  readonly words: string;
  readonly address: Address;
  /** Null: nobody who is known. */
  readonly endpoint: Endpoint | null;
}

type Endpoints = Placement["endpoints"];

/**
 * Who stands for the ends of paths among those who are there. All pods of these nodes, whose policy is enforced here; of pods elsewhere
 * one of each sort, as there may be 100,000 of them. It follows who comes and goes at the cost of what has changed.
 */
export class PathEnds {
  readonly isHere: (node: string) => boolean;
  #endpoints: Endpoints = SortedMap.empty();
  readonly #nodes = new Map<EndpointId, Endpoint>();
  readonly #here = new Map<EndpointId, Endpoint>();
  readonly #elsewhere = new Sorts();
  readonly #system = new Map<EndpointId, Endpoint>();
  /** Of nodes and of pods, in order of ids; made when somebody asks. */
  #known: { readonly nodes: readonly Somebody[]; readonly pods: readonly Somebody[] } | undefined;
  /** Of ends that were asked for since then. */
  #stops = new WeakMap<PathEnd, readonly Stop[]>();

  constructor(isHere: (node: string) => boolean) {
    this.isHere = isHere;
  }

  /** From now on it is about these. */
  follow(endpoints: Endpoints): void {
    const before = this.#endpoints;
    if (before === endpoints) return;
    this.#endpoints = endpoints;
    if (before instanceof SortedMap && endpoints instanceof SortedMap)
      for (const change of endpoints.differences(before)) this.#exchange(change.before, change.after);
    else {
      for (const endpoint of before.values()) this.#exchange(endpoint, undefined);
      for (const endpoint of endpoints.values()) this.#exchange(undefined, endpoint);
    }
  }

  /** Nodes, and pods of kube-system: among them is what a cluster lives on. */
  system(): readonly Endpoint[] {
    return inOrder([...this.#nodes.values(), ...this.#system.values()]);
  }

  /** The very same for the very same end, as long as nobody comes or goes. */
  of(end: PathEnd): readonly Stop[] {
    if (this.#known === undefined) this.#stops = new WeakMap();
    const found = this.#stops.get(end) ?? this.#stopsOf(end);
    // Of a single address whoever has it, which others than those known here may tell.
    if (end.of !== "net") this.#stops.set(end, found);
    return found;
  }

  #stopsOf(end: PathEnd): readonly Stop[] {
    switch (end.of) {
      case "node":
        return stopsOf(this.#all().nodes, ({ name }) => end.name === null || name === end.name);
      case "pod":
        return stopsOf(
          this.#all().pods,
          ({ namespace, name }) => namespace === end.namespace && (end.name === null || name === end.name),
        );
      case "selector":
        return stopsOf(this.#all().pods, ({ labels }) => matches(end.selector, labels));
      case "net":
        return this.#within(end.cidr);
    }
  }

  #within(cidr: Cidr): readonly Stop[] {
    const first = formatAddress(cidr.family, cidr.base);
    if (cidr.bits === widthOf(cidr.family)) return [this.#at(first)];
    const { nodes, pods } = this.#all();
    const known = [...nodes, ...pods]
      .flatMap(({ stops }) => stops)
      .filter(({ address }) => cidrContains(cidr, address));
    return known.length > 0 ? known : [{ words: cidr.text, address: first, endpoint: null }];
  }

  #at(address: Address): Stop {
    const whereabouts = Whereabouts.of(this.#endpoints);
    const pod = whereabouts.podAt(address);
    const endpoint = pod ?? this.#endpoints.get(`node:${whereabouts.nodeAt(address)}` as EndpointId);
    const known = endpoint && somebodyOf(endpoint).stops.find((stop) => stop.address === address);
    return known ?? { words: address, address, endpoint: null };
  }

  #all() {
    this.#known ??= {
      nodes: inOrder(this.#nodes.values()).map(somebodyOf),
      pods: inOrder([...this.#here.values(), ...this.#elsewhere.representatives()]).map(somebodyOf),
    };
    return this.#known;
  }

  #exchange(before: Endpoint | undefined, after: Endpoint | undefined): void {
    if (before !== undefined) this.#remove(before);
    if (after !== undefined) this.#add(after);
  }

  #remove(endpoint: Endpoint): void {
    const { id } = endpoint;
    this.#system.delete(id);
    if (this.#nodes.delete(id) || this.#here.delete(id) || this.#elsewhere.remove(endpoint)) this.#known = undefined;
  }

  #add(endpoint: Endpoint): void {
    const { id, kind, node, namespace, hostNetwork, addresses } = endpoint;
    if (kind === "pod" && namespace === "kube-system") this.#system.set(id, endpoint);
    if (kind === "node") this.#nodes.set(id, endpoint);
    else if (kind !== "pod" || hostNetwork || addresses.length === 0) return;
    else if (node !== null && this.isHere(node)) this.#here.set(id, endpoint);
    else if (!this.#elsewhere.add(endpoint)) return;
    this.#known = undefined;
  }
}

/** An endpoint as one end of a path, once for each address. */
interface Somebody {
  readonly endpoint: Endpoint;
  readonly stops: readonly Stop[];
}

function stopsOf(all: readonly Somebody[], isMeant: (endpoint: Endpoint) => boolean): readonly Stop[] {
  return all.filter(({ endpoint }) => isMeant(endpoint)).flatMap(({ stops }) => stops);
}

function inOrder(endpoints: Iterable<Endpoint>): readonly Endpoint[] {
  return [...endpoints].sort((a, b) => (a.id < b.id ? -1 : 1));
}

// Endpoints never change, and most are the same from one change of policies to the next.
const known = new WeakMap<Endpoint, Somebody>();

function somebodyOf(endpoint: Endpoint): Somebody {
  const found = known.get(endpoint);
  if (found !== undefined) return found;
  const { kind, namespace, name, addresses } = endpoint;
  const words = `${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
  const made = { endpoint, stops: addresses.map((address) => ({ words, address, endpoint })) };
  known.set(endpoint, made);
  return made;
}

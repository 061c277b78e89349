import { type Address, type Cidr, cidrContains, formatAddress, widthOf } from "../core/address.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import { matches } from "../policy/selector/syntax.ts";
import type { PathEnd } from "./guarded-path.ts";

/** Somebody at one end of a path. */
export interface Stop {
  /** `pod shop/web`, `node node-1`, `10.0.0.9`. */
  readonly words: string;
  readonly address: Address;
  /** Null: nobody who is known. */
  readonly endpoint: Endpoint | null;
}

/** Labels that tell pods of one workload apart, and that no policy is about. */
const individual =
  /^(pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|job-name|batch\.kubernetes\.io\/.*|controller-uid)$/;

/**
 * Who stands for the ends of paths among those who are there. All pods of these nodes, whose policy is enforced here; of pods elsewhere
 * one of each sort, as there may be 100,000 of them.
 */
export class PathEnds {
  readonly #nodes: readonly Somebody[];
  readonly #pods: readonly Somebody[];
  readonly #byAddress = new Map<Address, Stop>();

  constructor({ endpoints }: Placement, isHere: (node: string) => boolean) {
    const [nodes, pods, seen]: [Endpoint[], Endpoint[], Set<string>] = [[], [], new Set()];
    for (const endpoint of endpoints.values()) {
      if (endpoint.kind === "node") nodes.push(endpoint);
      if (endpoint.kind !== "pod" || endpoint.hostNetwork || endpoint.addresses.length === 0) continue;
      const here = endpoint.node !== null && isHere(endpoint.node);
      const sort = here ? "" : sortOf(endpoint);
      if (here || !seen.has(sort)) pods.push(endpoint);
      if (!here) seen.add(sort);
    }
    this.#nodes = nodes.map(somebodyOf);
    this.#pods = pods.map(somebodyOf);
    for (const { stops } of [...this.#nodes, ...this.#pods])
      for (const stop of stops) this.#byAddress.set(stop.address, stop);
  }

  of(end: PathEnd): readonly Stop[] {
    switch (end.of) {
      case "node":
        return stopsOf(this.#nodes, ({ name }) => end.name === null || name === end.name);
      case "pod":
        return stopsOf(
          this.#pods,
          ({ namespace, name }) => namespace === end.namespace && (end.name === null || name === end.name),
        );
      case "selector":
        return stopsOf(this.#pods, ({ labels }) => matches(end.selector, labels));
      case "net":
        return this.#within(end.cidr);
    }
  }

  #within(cidr: Cidr): readonly Stop[] {
    const first = formatAddress(cidr.family, cidr.base);
    const isOne = cidr.bits === widthOf(cidr.family);
    const known = isOne ? [] : [...this.#byAddress.values()].filter(({ address }) => cidrContains(cidr, address));
    if (known.length > 0) return known;
    return [this.#byAddress.get(first) ?? { words: isOne ? first : cidr.text, address: first, endpoint: null }];
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

// Endpoints never change, and most are the same from one change of policies to the next.
const known = new WeakMap<Endpoint, Somebody>();
const sorts = new WeakMap<Endpoint, string>();

function somebodyOf(endpoint: Endpoint): Somebody {
  const found = known.get(endpoint);
  if (found !== undefined) return found;
  const { kind, namespace, name, addresses } = endpoint;
  const words = `${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
  const made = { endpoint, stops: addresses.map((address) => ({ words, address, endpoint })) };
  known.set(endpoint, made);
  return made;
}

function sortOf(endpoint: Endpoint): string {
  const found = sorts.get(endpoint);
  if (found !== undefined) return found;
  const { namespace, labels } = endpoint;
  const shared = Object.keys(labels).filter((key) => !individual.test(key));
  const made = JSON.stringify([namespace, shared.sort().map((key) => [key, labels[key]])]);
  sorts.set(endpoint, made);
  return made;
}

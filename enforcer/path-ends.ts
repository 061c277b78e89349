import { type Address, cidrContains, formatAddress } from "../core/address.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import { matches } from "../policy/selector/syntax.ts";
import type { PathEnd } from "./guarded-path.ts";

/** Somebody at one end of a path. */
export interface Stop {
  /** `pod shop/web`, `node node-1`, `10.0.0.9`. */
  readonly words: string;
  readonly address: Address;
}

/** Labels that tell pods of one workload apart, and that no policy is about. */
const individual =
  /^(pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|job-name|batch\.kubernetes\.io\/.*|controller-uid)$/;

/**
 * Who stands for the ends of paths among those who are there. All pods of these nodes, whose policy is enforced here; of pods elsewhere
 * one of each sort, as there may be 100,000 of them.
 */
export class PathEnds {
  readonly #nodes: readonly Endpoint[] = [];
  readonly #pods: readonly Endpoint[] = [];

  constructor({ endpoints }: Placement, isHere: (node: string) => boolean) {
    const [nodes, pods, sorts]: [Endpoint[], Endpoint[], Set<string>] = [[], [], new Set()];
    for (const endpoint of endpoints.values()) {
      if (endpoint.kind === "node") nodes.push(endpoint);
      if (endpoint.kind !== "pod" || endpoint.hostNetwork || endpoint.addresses.length === 0) continue;
      const here = endpoint.node !== null && isHere(endpoint.node);
      const sort = here ? "" : sortOf(endpoint);
      if (here || !sorts.has(sort)) pods.push(endpoint);
      if (!here) sorts.add(sort);
    }
    [this.#nodes, this.#pods] = [nodes, pods];
  }

  of(end: PathEnd): readonly Stop[] {
    switch (end.of) {
      case "node":
        return this.#nodes.filter(({ name }) => end.name === null || name === end.name).flatMap(stopsOf);
      case "pod":
        return this.#pods
          .filter(({ namespace, name }) => namespace === end.namespace && (end.name === null || name === end.name))
          .flatMap(stopsOf);
      case "selector":
        return this.#pods.filter(({ labels }) => matches(end.selector, labels)).flatMap(stopsOf);
      case "net": {
        const inside = [...this.#nodes, ...this.#pods].flatMap(stopsOf);
        const found = inside.filter(({ address }) => cidrContains(end.cidr, address));
        const first = formatAddress(end.cidr.family, end.cidr.base);
        return found.length > 0 ? found : [{ words: end.cidr.text.replace(/\/(32|128)$/, ""), address: first }];
      }
    }
  }
}

function sortOf({ namespace, labels }: Endpoint): string {
  const shared = Object.keys(labels).filter((key) => !individual.test(key));
  return JSON.stringify([namespace, shared.sort().map((key) => [key, labels[key]])]);
}

function stopsOf({ kind, namespace, name, addresses }: Endpoint): readonly Stop[] {
  const words = `${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
  return addresses.map((address) => ({ words, address }));
}

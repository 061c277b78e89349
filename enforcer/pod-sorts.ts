import type { Endpoint, EndpointId } from "../policy/placement.ts";

/** Labels that tell pods of one workload apart, and that no policy is about. */
const individual =
  /^(pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|job-name|batch\.kubernetes\.io\/.*|controller-uid)$/;

interface Sort {
  readonly members: Map<EndpointId, Endpoint>;
  /** The first of them by id. */
  first: Endpoint;
}

/** Pods by what they have in common, one of each standing for all of them. */
export class Sorts {
  readonly #sorts = new Map<string, Sort>();

  /** True if another one stands for a sort now. */
  add(endpoint: Endpoint): boolean {
    const key = sortOf(endpoint);
    const sort = this.#sorts.get(key);
    if (sort === undefined) {
      this.#sorts.set(key, { members: new Map([[endpoint.id, endpoint]]), first: endpoint });
      return true;
    }
    sort.members.set(endpoint.id, endpoint);
    if (sort.first.id < endpoint.id) return false;
    sort.first = endpoint;
    return true;
  }

  /** The same. */
  remove(endpoint: Endpoint): boolean {
    const key = sortOf(endpoint);
    const sort = this.#sorts.get(key);
    if (sort?.members.get(endpoint.id) !== endpoint) return false;
    sort.members.delete(endpoint.id);
    if (sort.members.size === 0) this.#sorts.delete(key);
    else if (sort.first !== endpoint) return false;
    else sort.first = firstOf(sort.members.values());
    return true;
  }

  *representatives(): Generator<Endpoint> {
    for (const { first } of this.#sorts.values()) yield first;
  }
}

function firstOf(endpoints: Iterable<Endpoint>): Endpoint {
  return [...endpoints].reduce((first, one) => (one.id < first.id ? one : first));
}

// Labels never change, and pods of a workload share them.
const sorts = new WeakMap<Endpoint["labels"], { readonly namespace: string | null; readonly sort: string }>();

function sortOf({ namespace, labels }: Endpoint): string {
  const found = sorts.get(labels);
  if (found?.namespace === namespace) return found.sort;
  const shared = Object.keys(labels).filter((key) => !individual.test(key));
  const sort = JSON.stringify([namespace, shared.sort().map((key) => [key, labels[key]])]);
  sorts.set(labels, { namespace, sort });
  return sort;
}

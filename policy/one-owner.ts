import type { Address } from "../core/address.ts";
import { Multimap } from "../core/multimap.ts";
import type { Pod } from "./kinds/cluster.ts";

/**
 * Which pod has which address: one only. A pod that has gone may linger as an object while its address belongs to another already:
 * the newest has it, one that is being deleted only if no other claims it. Else the new pod would be in the sets of the old one
 * and allowed what that was allowed. Pods on their node's network claim none.
 */
export class AddressOwners {
  /** A pod as it is now, by a key of its object. */
  readonly #podOf: (key: string) => Pod | undefined;
  readonly #claims = new Multimap<Address, string>();

  constructor(podOf: (key: string) => Pod | undefined) {
    this.#podOf = podOf;
  }

  /** The pod of that key was one thing and is another now; undefined is nothing. Tells who else may have other addresses than before. */
  put(key: string, before: Pod | undefined, after: Pod | undefined): Iterable<string> {
    for (const address of claimed(before)) this.#claims.delete(address, key);
    for (const address of claimed(after)) this.#claims.add(address, key);
    return this.#rivals(key, before, after);
  }

  *#rivals(key: string, ...pods: readonly (Pod | undefined)[]): Iterable<string> {
    for (const address of pods.flatMap(claimed))
      for (const rival of this.#claims.get(address)) if (rival !== key) yield rival;
  }

  /** Those of a pod's addresses that are its own. */
  addressesOf(key: string): readonly Address[] {
    const pod = this.#podOf(key);
    if (pod === undefined) return none;
    if (pod.hostNetwork) return pod.addresses;
    const own = pod.addresses.filter((address) => this.#owner(address) === key);
    return own.length === pod.addresses.length ? pod.addresses : own;
  }

  #owner(address: Address): string | undefined {
    if (this.#claims.count(address) === 1) return onlyOf(this.#claims.get(address));
    let [owner, best] = [undefined as string | undefined, ""];
    for (const key of this.#claims.get(address)) {
      const claim = claimOf(this.#podOf(key) as Pod);
      if (owner === undefined || claim > best) [owner, best] = [key, claim];
    }
    return owner;
  }
}

function claimed(pod: Pod | undefined): readonly Address[] {
  return pod === undefined || pod.hostNetwork ? none : pod.addresses;
}

const none: readonly Address[] = [];

function onlyOf<T>(one: Iterable<T>): T | undefined {
  for (const value of one) return value;
  return undefined;
}

/** Times of Kubernetes are texts of one length and time zone (RFC 3339, whole seconds, UTC), so later ones are greater. */
function claimOf({ ending, createdAt, namespace, name }: Pod): string {
  return `${ending ? 0 : 1} ${createdAt} ${namespace}/${name}`;
}

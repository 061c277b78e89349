import type { Address } from "../core/address.ts";
import { Multimap } from "../core/multimap.ts";
import type { Pod } from "./kinds/cluster.ts";

/**
 * Which pod has which address: one only. A pod that has gone may linger as an object while its address belongs to another already:
 * the newest has it, one that is being deleted only if no other claims it. Else the new pod would be in the sets of the old one
 * and allowed what that was allowed. Pods on their node's network claim none.
 */
export class AddressOwners {
  /** By a key of the pod's object. */
  readonly #pods = new Map<string, Pod>();
  readonly #claims = new Multimap<Address, string>();

  /** A pod as it is now, or undefined: it is gone. Tells whose addresses may be others than before, by key, itself included. */
  put(key: string, pod: Pod | undefined): Iterable<string> {
    const before = claimed(this.#pods.get(key));
    const after = claimed(pod);
    for (const address of before) this.#claims.delete(address, key);
    for (const address of after) this.#claims.add(address, key);
    if (pod === undefined) this.#pods.delete(key);
    else this.#pods.set(key, pod);
    const affected = new Set([key]);
    for (const address of [...before, ...after]) for (const rival of this.#claims.get(address)) affected.add(rival);
    return affected;
  }

  /** Those of a pod's addresses that are its own. */
  addressesOf(key: string): readonly Address[] {
    const pod = this.#pods.get(key);
    if (pod === undefined) return [];
    if (pod.hostNetwork) return pod.addresses;
    const own = pod.addresses.filter((address) => this.#owner(address) === key);
    return own.length === pod.addresses.length ? pod.addresses : own;
  }

  #owner(address: Address): string | undefined {
    let [owner, best] = [undefined as string | undefined, ""];
    for (const key of this.#claims.get(address)) {
      const claim = claimOf(this.#pods.get(key) as Pod);
      if (owner === undefined || claim > best) [owner, best] = [key, claim];
    }
    return owner;
  }
}

function claimed(pod: Pod | undefined): readonly Address[] {
  return pod === undefined || pod.hostNetwork ? [] : pod.addresses;
}

/** Times of Kubernetes are texts of one length and time zone (RFC 3339, whole seconds, UTC), so later ones are greater. */
function claimOf({ ending, createdAt, namespace, name }: Pod): string {
  return `${ending ? 0 : 1} ${createdAt} ${namespace}/${name}`;
}

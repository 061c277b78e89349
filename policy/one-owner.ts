import type { Address } from "../core/address.ts";
import type { Pod } from "./kinds/cluster.ts";

/**
 * The pods, each address with one of them only. A pod that has gone may linger as an object while its address belongs to
 * another already: the newest has it, one that is being deleted only if no other claims it. Else the new pod would be in the
 * sets of the old one and allowed what that was allowed.
 */
export function withOneOwner(pods: readonly Pod[]): readonly Pod[] {
  const owners = new Map<Address, Pod>();
  for (const pod of pods) {
    if (pod.hostNetwork) continue;
    for (const address of pod.addresses) {
      const owner = owners.get(address);
      if (owner === undefined || claim(pod) > claim(owner)) owners.set(address, pod);
    }
  }
  return pods.map((pod) => {
    const own = pod.hostNetwork ? pod.addresses : pod.addresses.filter((address) => owners.get(address) === pod);
    return own.length === pod.addresses.length ? pod : { ...pod, addresses: own };
  });
}

/** Times of Kubernetes are texts of one length and time zone (RFC 3339, whole seconds, UTC), so later ones are greater. */
function claim({ ending, createdAt, namespace, name }: Pod): string {
  return `${ending ? 0 : 1} ${createdAt} ${namespace}/${name}`;
}

import type { Address } from "../core/address.ts";
import type { ClusterPlan } from "./plan.ts";
import type { KnownNames } from "./traffic/messages.ts";

/** What the DNS servers of a lab know: Services as in a cluster, and hosts outside as `NAME.example` (RFC 2606). */
export function knownNames({ frontends, externals }: ClusterPlan): KnownNames {
  const names = new Map<string, Set<Address>>();
  const add = (name: string, addresses: readonly Address[]) =>
    names.set(name, new Set([...(names.get(name) ?? []), ...addresses]));
  for (const { service, address } of frontends) {
    const [namespace, name] = service.split("/");
    add(`${name}.${namespace}.svc.cluster.local`, [address]);
  }
  for (const { name, addresses } of externals) add(`${name}.example`, addresses);
  return Object.fromEntries([...names].map(([name, addresses]) => [name, [...addresses]]));
}

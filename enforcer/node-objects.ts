// What a node brings into its ruleset by itself: who is behind which interface, and where the dispatch of an address or interface leads.
import { type Address, type Cidr, type Family, familyOf, parseCidr } from "../core/address.ts";
import type { Endpoint } from "../policy/placement.ts";
import { addressType, families, shared } from "./base-chains.ts";
import type { Problem } from "./draft.ts";
import { addressElement, concatenation, type Element, interfaceElement, isInterfaceName } from "./element.ts";
import { type HostVerdicts, interfaceMap } from "./host-chains.ts";
import type { HostGround } from "./hosts.ts";
import type { Links } from "./interfaces.ts";
import { loggedSets } from "./log-limit.ts";
import { addressIntervals } from "./ranges.ts";
import { revokedSets } from "./revoked-chain.ts";
import type { MapVerdict, Name, NamedSet, VerdictMap } from "./ruleset.ts";

/** Who of this node has which address. */
export type Pods = ReadonlyMap<Address, Endpoint>;

/** RFC 4291, 2.7 */
const multicast6 = addressIntervals(6, [parseCidr("ff00::/8")]);

/** What the node knows of itself. */
export interface NodeFacts {
  readonly links: Links;
  readonly podCidrs: readonly Cidr[];
}

export interface NodeSets {
  readonly sets: ReadonlyMap<Name, NamedSet>;
  readonly problems: readonly Problem[];
}

export function nodeSets(
  pods: Pods,
  { links, podCidrs }: NodeFacts,
  { podInterfaces, logRate }: { readonly podInterfaces: readonly string[]; readonly logRate: number },
): NodeSets {
  const problems: Problem[] = [];
  const sets = new Map<Name, NamedSet>();
  const add = (set: NamedSet) => sets.set(set.name, set);
  for (const family of families) {
    const address = addressType(family);
    const pod = [address] as const;
    add({
      name: shared.bindings(family),
      type: ["ifname", address],
      flag: null,
      elements: bindings(problems, links.behind, family),
    });
    add({ name: shared.bound(family), type: pod, flag: null, elements: bound(links.behind, podInterfaces, family) });
    add({ name: shared.self(family), type: [address, address], flag: null, elements: selfPairs(pods, family) });
    add({ name: shared.localPods(family), type: pod, flag: null, elements: addressesOf(pods, family) });
    add({ name: shared.podCidrs(family), type: pod, flag: "interval", elements: addressIntervals(family, podCidrs) });
    for (const set of revokedSets(family)) add(set);
  }
  if (logRate > 0) for (const set of loggedSets()) add(set);
  add({ name: shared.multicast6, type: [addressType(6)], flag: "interval", elements: multicast6 });
  return { sets, problems };
}

/** Maps from addresses of pods, and from interfaces of host endpoints, to what is asked there. */
export function dispatchMaps(pods: Pods, play: HostGround["play"], hosts: HostVerdicts): ReadonlyMap<Name, VerdictMap> {
  const maps = new Map<Name, VerdictMap>();
  for (const direction of ["egress", "ingress"] as const)
    for (const family of families) {
      const role = direction === "egress" ? "podEgress" : "podIngress";
      const own = [...pods].filter(([address]) => familyOf(address) === family);
      const entries = own.map(([address, pod]) => [addressElement(address), play(role, pod) ?? accept] as const);
      const name = shared.dispatch(direction, family);
      maps.set(name, { name, type: [addressType(family)], entries: sorted(entries) });
    }
  for (const [role, { named }] of hosts) {
    const name = interfaceMap(role);
    const entries = [...named].map(([link, verdict]) => [interfaceElement(link), verdict] as const);
    if (named.size > 0) maps.set(name, { name, type: ["ifname"], entries: sorted(entries) });
  }
  return maps;
}

/** Not subject to policy. */
const accept: MapVerdict = { verdict: "accept" };

function sorted(entries: readonly (readonly [Element, MapVerdict])[]): ReadonlyMap<Element, MapVerdict> {
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function bindings(problems: Problem[], behind: ReadonlyMap<Address, string>, family: Family): ReadonlySet<Element> {
  const elements: Element[] = [];
  for (const [address, name] of behind) {
    if (familyOf(address) !== family) continue;
    if (isInterfaceName(name)) elements.push(concatenation(interfaceElement(name), addressElement(address)));
    else
      problems.push({
        subject: JSON.stringify(name),
        sentence: "is an interface name that nft may not see: what comes from it is denied",
      });
  }
  return new Set(elements.sort());
}

/** Of pod interfaces only: a gateway may be behind another interface than the one that the route to it names. */
function bound(
  behind: ReadonlyMap<Address, string>,
  podInterfaces: readonly string[],
  family: Family,
): ReadonlySet<Element> {
  const isPods = (name: string) => podInterfaces.some((prefix) => name.startsWith(prefix));
  const own = [...behind].filter(([address, name]) => familyOf(address) === family && isPods(name));
  return new Set(own.map(([address]) => addressElement(address)).sort());
}

function addressesOf(pods: Pods, family: Family): ReadonlySet<Element> {
  return new Set(
    [...pods.keys()]
      .filter((address) => familyOf(address) === family)
      .map(addressElement)
      .sort(),
  );
}

function selfPairs(pods: Pods, family: Family): ReadonlySet<Element> {
  const own = [...pods].filter(([address]) => familyOf(address) === family);
  const byPod = Map.groupBy(own, ([, { id }]) => id);
  const pairs = [...byPod.values()].flatMap((addresses) =>
    addresses.flatMap(([a]) => addresses.map(([b]) => concatenation(addressElement(a), addressElement(b)))),
  );
  return new Set(pairs.sort());
}

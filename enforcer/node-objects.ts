// What a node brings into its ruleset by itself: who is behind which interface, and where the dispatch of an address or interface leads.
import { type Address, type Cidr, familyOf, parseCidr } from "../core/address.ts";
import type { Endpoint } from "../policy/placement.ts";
import { addressType, families, shared } from "./base-chains.ts";
import type { Problem } from "./draft.ts";
import { addressElement, concatenation, type Element, interfaceElement, isInterfaceName } from "./element.ts";
import { type HostVerdicts, interfaceMap } from "./host-chains.ts";
import type { Links } from "./interfaces.ts";
import { loggedSets } from "./log-limit.ts";
import { addressIntervals } from "./ranges.ts";
import { revokedSets } from "./revoked-chain.ts";
import { isSameVerdict, type MapVerdict, type Name, type NamedSet, type VerdictMap } from "./ruleset.ts";
import type { Guest, Seating } from "./seating.ts";

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
  readonly sets: readonly NamedSet[];
  readonly problems: readonly Problem[];
}

/** Who is behind which interface. */
export function linkSets({ behind }: Links, podInterfaces: readonly string[]): NodeSets {
  const problems: Problem[] = [];
  const sets = families.flatMap((family): NamedSet[] => {
    const address = addressType(family);
    const own = [...behind].filter(([one]) => familyOf(one) === family);
    return [
      { name: shared.bindings(family), type: ["ifname", address], flag: null, elements: bindings(problems, own) },
      { name: shared.bound(family), type: [address], flag: null, elements: bound(own, podInterfaces) },
    ];
  });
  return { sets, problems };
}

export function podSets(guests: readonly Guest[]): readonly NamedSet[] {
  return families.flatMap((family): NamedSet[] => {
    const address = addressType(family);
    const own = guests.filter((guest) => guest.family === family);
    const addresses = new Set(own.map(({ element }) => element));
    return [
      { name: shared.self(family), type: [address, address], flag: null, elements: selfPairs(own) },
      { name: shared.localPods(family), type: [address], flag: null, elements: addresses },
    ];
  });
}

/** What neither pods nor interfaces change. */
export function lastingSets(podCidrs: readonly Cidr[], logRate: number): readonly NamedSet[] {
  const networks = families.flatMap((family): NamedSet[] => {
    const elements = addressIntervals(family, podCidrs);
    return [
      { name: shared.podCidrs(family), type: [addressType(family)], flag: "interval", elements },
      ...revokedSets(family),
    ];
  });
  return [
    ...networks,
    ...(logRate > 0 ? loggedSets() : []),
    { name: shared.multicast6, type: [addressType(6)], flag: "interval", elements: multicast6 },
  ];
}

/** In order of their addresses. */
export function guestsOf(
  pods: Pods,
  wayOf: (pod: Endpoint) => Pick<Guest, "classId" | "ways" | "toNode">,
): readonly Guest[] {
  return [...pods.keys()].sort().map((address) => {
    const pod = pods.get(address) as Endpoint;
    const { classId, ways, toNode } = wayOf(pod);
    return { address, element: addressElement(address), family: familyOf(address), pod, classId, ways, toNode };
  });
}

/** Not subject to policy. */
export const accept: MapVerdict = { verdict: "accept" };

/** Maps from addresses of pods, and from interfaces of host endpoints, to what is asked there. */
export function dispatchMaps(
  guests: readonly Guest[],
  newcomers: Seating["newcomers"],
  hosts: HostVerdicts,
): ReadonlyMap<Name, VerdictMap> {
  const maps = new Map<Name, VerdictMap>();
  for (const direction of directions)
    for (const family of families) {
      const entries = new Map<Element, MapVerdict>();
      for (const { address, element, ways, ...guest } of guests) {
        const isOutside = ways[direction].verdict === "jump" && newcomers.has(address);
        if (guest.family === family && !isOutside) entries.set(element, ways[direction]);
      }
      const name = shared.dispatch(direction, family);
      maps.set(name, { name, type: [addressType(family)], entries });
    }
  for (const [role, { named }] of hosts) {
    const name = interfaceMap(role);
    const entries = [...named].map(([link, verdict]) => [interfaceElement(link), verdict] as const);
    if (named.size > 0) maps.set(name, { name, type: ["ifname"], entries: sorted(entries) });
  }
  return maps;
}

/** Whether the maps lead the packets of a pod where they should. */
export function isInMaps(maps: ReadonlyMap<Name, VerdictMap>, { element, family, ways }: Guest): boolean {
  return directions.every((direction) =>
    isSameVerdict(maps.get(shared.dispatch(direction, family))?.entries.get(element), ways[direction]),
  );
}

const directions = ["egress", "ingress"] as const;

function sorted(entries: readonly (readonly [Element, MapVerdict])[]): ReadonlyMap<Element, MapVerdict> {
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

type Behind = readonly (readonly [Address, string])[];

function bindings(problems: Problem[], behind: Behind): ReadonlySet<Element> {
  const elements: Element[] = [];
  for (const [address, name] of behind)
    if (isInterfaceName(name)) elements.push(concatenation(interfaceElement(name), addressElement(address)));
    else
      problems.push({
        subject: JSON.stringify(name),
        sentence: "is an interface name that nft may not see: what comes from it is denied",
      });
  return new Set(elements.sort());
}

/** Of pod interfaces only: a gateway may be behind another interface than the one that the route to it names. */
function bound(behind: Behind, podInterfaces: readonly string[]): ReadonlySet<Element> {
  const isPods = (name: string) => podInterfaces.some((prefix) => name.startsWith(prefix));
  const own = behind.filter(([, name]) => isPods(name));
  return new Set(own.map(([address]) => addressElement(address)).sort());
}

function selfPairs(guests: readonly Guest[]): ReadonlySet<Element> {
  const byPod = Map.groupBy(guests, ({ pod }) => pod.id);
  const pairs = [...byPod.values()].flatMap((own) =>
    own.flatMap((a) => own.map((b) => concatenation(a.element, b.element))),
  );
  return new Set(pairs.sort());
}

// What a node brings into its ruleset by itself: who is behind which interface, and where the dispatch of an address or interface leads.
import { type Cidr, parseCidr } from "../core/address.ts";
import { addressType, families, shared } from "./base-chains.ts";
import { concatenation, type Element, interfaceElement } from "./element.ts";
import { type HostVerdicts, interfaceMap } from "./host-chains.ts";
import type { Links } from "./interfaces.ts";
import { loggedSets } from "./log-limit.ts";
import { addressIntervals } from "./ranges.ts";
import { revokedSets } from "./revoked-chain.ts";
import { isSameVerdict, type MapVerdict, type Name, type NamedSet, type VerdictMap } from "./ruleset.ts";
import type { Guest, Seating } from "./seating.ts";

/** RFC 4291, 2.7 */
const multicast6 = addressIntervals(6, [parseCidr("ff00::/8")]);

/** What the node knows of itself. */
export interface NodeFacts {
  readonly links: Links;
  readonly podCidrs: readonly Cidr[];
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
      for (const guest of guests) {
        const verdict = guest.ways[direction];
        const isOutside = verdict.verdict === "jump" && newcomers.has(guest.address);
        if (guest.family === family && !isOutside) entries.set(guest.element, verdict);
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

/** As a rule a pod has one address of a family. */
function selfPairs(guests: readonly Guest[]): ReadonlySet<Element> {
  const byPod = Map.groupBy(guests, ({ pod }) => pod.id);
  const pairs = [...byPod.values()].flatMap((own) =>
    own.flatMap((a) => own.map((b) => (a === b ? a.self : concatenation(a.element, b.element)))),
  );
  return new Set(pairs);
}

// What is staged, in the kernel: chains before all others in which every verdict is `accept`, so that they decide nothing, and in which
// the rules of staged policies count their hits.
import { type Family, familyOf } from "../core/address.ts";
import type { Endpoint } from "../policy/placement.ts";
import type { Direction } from "../policy/program.ts";
import {
  addressType,
  type BaseSettings,
  destinationOf,
  established,
  families,
  fromThisHost,
  sourceOf,
  toItself,
} from "./base-chains.ts";
import type { Draft } from "./draft.ts";
import { addressElement, type Element } from "./element.ts";
import type { Pods } from "./guests.ts";
import type { HostGround } from "./hosts.ts";
import { type Hook, type MapVerdict, type Name, nameOf, type Rule, type VerdictMap } from "./ruleset.ts";

const directions = ["egress", "ingress"] as const;

function mapName(direction: Direction, family: Family): Name {
  return nameOf(`staged_${direction}${family}`);
}

/** From addresses of the pods for which something is staged to what it would ask; no maps if there are none. */
export function stagedMaps(
  pods: Pods,
  isStaged: (endpoint: Endpoint) => boolean,
  play: HostGround["play"],
): ReadonlyMap<Name, VerdictMap> {
  const maps = new Map<Name, VerdictMap>();
  const some = [...pods].filter(([, endpoint]) => isStaged(endpoint));
  for (const direction of directions)
    for (const family of families) {
      const entries = new Map<Element, MapVerdict>();
      for (const [address, pod] of some.filter(([one]) => familyOf(one) === family)) {
        const verdict = play(direction === "egress" ? "stagedEgress" : "stagedIngress", pod);
        if (verdict !== undefined) entries.set(addressElement(address), verdict);
      }
      const name = mapName(direction, family);
      if (entries.size > 0) maps.set(name, { name, type: [addressType(family)], entries });
    }
  return maps;
}

/** Declares the base chains that ask these maps. */
export function addStagedChains(draft: Draft, { priority }: BaseSettings, maps: readonly Name[]): void {
  for (const direction of directions) {
    const asked = families.filter((family) => maps.includes(mapName(direction, family)));
    if (asked.length === 0) continue;
    const hooks: readonly Hook[] = direction === "egress" ? ["forward", "input"] : ["forward", "output"];
    const dispatches = asked.map((family): Rule => {
      const key = [direction === "egress" ? sourceOf(family) : destinationOf(family)];
      return { when: [], statements: [{ do: "dispatch", key, map: mapName(direction, family) }] };
    });
    const rules = (hook: Hook) => [
      ...[established, ...asked.map(toItself), ...(hook === "output" ? [fromThisHost] : [])],
      ...dispatches,
    ];
    for (const hook of hooks)
      draft.baseChain(nameOf(`staged_${direction}_${hook}`), { hook, priority: priority - 1 }, rules(hook));
  }
}

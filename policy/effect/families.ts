import type { Family } from "../../core/address.ts";
import type { Atom } from "../space/atoms.ts";
import type { Delta } from "./deltas.ts";
import type { Everybody } from "./group.ts";

/**
 * Joins what is the same over IPv4 and IPv6: people think of pods, not of addresses. Always exact, as no packet goes from one family to
 * the other; here two deltas are one if they are about the same endpoints, of those that have both.
 */
export function joinFamilies(deltas: readonly Delta[], everybody: Everybody): readonly Delta[] {
  const keyed = deltas.map((delta) => ({ delta, family: familyOf(delta), key: keyOf(delta, everybody) }));
  const sixes = new Map(keyed.filter(({ family }) => family === 6).map(({ key, delta }) => [key, delta]));
  const joined = keyed
    .filter(({ family }) => family === 4)
    .map(({ key, delta }): Delta => {
      const six = sixes.get(key);
      sixes.delete(key);
      return six === undefined ? delta : union(delta, six);
    });
  const alone = keyed.filter(({ key, delta }) => sixes.get(key) === delta);
  return [...joined, ...alone.map(({ delta }) => delta)];
}

function union(a: Delta, b: Delta): Delta {
  return {
    ...a,
    sources: [...a.sources, ...b.sources],
    destinations: [...a.destinations, ...b.destinations],
  };
}

function keyOf({ kind, connections, sources, destinations }: Delta, everybody: Everybody): string {
  return [kind, connections.id, sideKey(sources, everybody), sideKey(destinations, everybody)].join(" ");
}

/** Who of those that have both families, and whether others are meant. */
function sideKey(atoms: readonly Atom[], everybody: Everybody): string {
  const { endpoints, addresses, ranges } = everybody.groupOf(atoms);
  const dual = endpoints.filter((one) => everybody.hasFamily(one, 4) && everybody.hasFamily(one, 6));
  return `${dual.map(({ id }) => id).join()};${ranges.length > 0};${addresses.length > 0}`;
}

function familyOf({ sources }: Delta): Family {
  return (sources[0] as Atom).family;
}

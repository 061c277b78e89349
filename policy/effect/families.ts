import type { Family } from "../../core/address.ts";
import type { Atom } from "../space/atoms.ts";
import type { Patience } from "../space/patience.ts";
import type { Delta } from "./deltas.ts";
import type { Everybody } from "./group.ts";

/**
 * Joins what is the same over IPv4 and IPv6: people think of pods, not of addresses. Always exact, as no packet goes from one family to
 * the other; here two deltas are one if they are about the same endpoints, of those that have both.
 */
export function joinFamilies(deltas: readonly Delta[], everybody: Everybody, patience: Patience): readonly Delta[] {
  // To say who is meant takes long: only where one of the other family may be its like.
  const families = Map.groupBy(deltas, roughKeyOf);
  const both = [...families.values()].filter((some) => new Set(some.map(familyOf)).size === 2).flat();
  const joined = joinAlike(both, everybody, patience);
  const rest = new Set(both);
  return [...joined, ...deltas.filter((delta) => !rest.has(delta))];
}

function joinAlike(deltas: readonly Delta[], everybody: Everybody, patience: Patience): readonly Delta[] {
  const keyed = deltas.map((delta) => {
    patience.checkNow();
    return { delta, family: familyOf(delta), key: keyOf(delta, everybody) };
  });
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

/** The same for any two that `keyOf` has the same for. */
function roughKeyOf({ kind, connections, sources, destinations }: Delta): string {
  const hasRanges = (atoms: readonly Atom[]) => atoms.some(({ ranges }) => ranges.length > 0);
  return [kind, connections.id, hasRanges(sources), hasRanges(destinations)].join(" ");
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

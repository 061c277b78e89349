import type { Family } from "../../core/address.ts";
import type { Atom } from "../space/atoms.ts";
import type { Connections } from "../space/connections.ts";
import type { Patience } from "../space/patience.ts";
import type { Space } from "../space/space.ts";
import { cover } from "./cover.ts";

/** Connections that every one of some sources gained (`opens`) or lost (`closes`) to every one of some destinations. */
export interface Delta {
  readonly kind: "opens" | "closes";
  readonly connections: Connections;
  readonly sources: readonly Atom[];
  readonly destinations: readonly Atom[];
}

/** What differs between the two situations of a space; deltas of one kind and set of connections have no pair in common. */
export function deltasOf(space: Space, patience: Patience): readonly Delta[] {
  return changedPairs(space, patience).flatMap(({ kind, connections, pairs }) =>
    cover(pairs).map(({ rows, columns }) => ({
      kind,
      connections,
      sources: rows.map((index) => space.atoms.all[index] as Atom),
      destinations: columns.map((index) => space.atoms.all[index] as Atom),
    })),
  );
}

interface Changed extends Pick<Delta, "kind" | "connections"> {
  /** Destinations by source, as indices of atoms. */
  readonly pairs: Map<number, number[]>;
}

/**
 * Includes pairs of which all are exempt (a pod to itself), as if they were not: so that they make no holes. Those that stand alone are
 * found by `pairOf`.
 */
function changedPairs(space: Space, patience: Patience): readonly Changed[] {
  const { sets } = space;
  const found: Record<Delta["kind"], Record<Family, Map<Connections, Changed>>> = {
    opens: { 4: new Map(), 6: new Map() },
    closes: { 4: new Map(), 6: new Map() },
  };
  const note = (kind: Delta["kind"], connections: Connections, source: Atom, destination: Atom) => {
    const usable = sets.intersect(connections, sets.usable);
    if (usable === sets.none) return;
    const known = found[kind][source.family];
    let entry = known.get(usable);
    if (entry === undefined) {
      entry = { kind, connections: usable, pairs: new Map() };
      known.set(usable, entry);
    }
    const destinations = entry.pairs.get(source.index);
    if (destinations === undefined) entry.pairs.set(source.index, [destination.index]);
    else destinations.push(destination.index);
  };
  space.eachDifference((source, destination, before, after) => {
    note("opens", sets.subtract(after, before), source, destination);
    note("closes", sets.subtract(before, after), source, destination);
    return false;
  }, patience);
  return Object.values(found).flatMap((families) => [...families[4].values(), ...families[6].values()]);
}

import type { Inventory } from "./nft.ts";
import { hasOwnElements, type Ruleset } from "./ruleset.ts";

/**
 * In which way the table is not what we made of it, in words for the log; undefined if it is whole. A rule that somebody put in
 * the place of another is not noticed: rules are counted, not read.
 */
export function damageOf(applied: Ruleset, found: Inventory | undefined): string | undefined {
  if (found === undefined) return "the table is gone";
  return (
    strangers("set", applied.sets, found.sets) ??
    strangers("map", applied.maps, found.maps) ??
    strangers("chain", applied.chains, found.chains) ??
    firstOf(applied.chains.values(), ({ name, rules }) => {
      const count = found.chains.get(name);
      return count === rules.length ? undefined : `chain ${name} has ${count} rules instead of ${rules.length}`;
    }) ??
    firstOf(applied.maps.values(), ({ name, entries }) =>
      sameKeys(entries, found.maps.get(name)) ? undefined : `map ${name} has other entries`,
    ) ??
    firstOf(applied.sets.values(), ({ name, flag, elements }) => {
      // These go by themselves.
      if (hasOwnElements({ flag })) return undefined;
      const elementsFound = found.sets.get(name);
      // Ranges may be written in several ways, so those are counted.
      const same = flag === "interval" ? elementsFound?.size === elements.size : sameKeys(elements, elementsFound);
      return same ? undefined : `set ${name} has other elements`;
    })
  );
}

type Keyed<K> = { readonly size: number; has(key: K): boolean; keys(): Iterable<K> };

function strangers<K>(what: string, applied: Keyed<K>, found: Keyed<K>): string | undefined {
  const gone = [...applied.keys()].find((name) => !found.has(name));
  if (gone !== undefined) return `${what} ${gone} is gone`;
  const foreign = [...found.keys()].find((name) => !applied.has(name));
  return foreign === undefined ? undefined : `${what} ${JSON.stringify(foreign)} is not ours`;
}

function sameKeys<K>(applied: Keyed<K>, found: Keyed<K> | undefined): boolean {
  return found?.size === applied.size && [...applied.keys()].every((key) => found.has(key));
}

function firstOf<T>(items: Iterable<T>, fault: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = fault(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

import { ViewedMap } from "../core/viewed-map.ts";
import type { Element } from "./element.ts";
import type { Inventory } from "./nft.ts";
import type { Name } from "./ruleset.ts";

/** An Inventory on its way between threads: of each set and map its elements, a line each. */
export interface PackedInventory {
  readonly sets: ReadonlyMap<Name, string>;
  readonly maps: ReadonlyMap<Name, string>;
  readonly counters: readonly Name[];
  readonly chains: ReadonlyMap<Name, number>;
}

/** Elements are made when they are looked at, so that those of one set are in memory at a time. */
export function unpackedInventory({ sets, maps, counters, chains }: PackedInventory): Inventory {
  const elements = (text: string): ReadonlySet<Element> => new Set(text === "" ? [] : (text.split("\n") as Element[]));
  return {
    sets: new ViewedMap(sets, elements),
    maps: new ViewedMap(maps, elements),
    counters: new Set(counters),
    chains,
  };
}

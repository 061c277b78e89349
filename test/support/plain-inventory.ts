import type { Inventory } from "../../enforcer/nft.ts";

/** With maps that are compared by what is in them, whatever the way it was read. */
export function plainInventory(found: Inventory | undefined): Inventory | undefined {
  if (found === undefined) return undefined;
  const { sets, maps, chains, counters } = found;
  return { sets: new Map(sets), maps: new Map(maps), chains: new Map(chains), counters: new Set(counters) };
}

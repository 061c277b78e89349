import { newcomersChain } from "./base-chains.ts";
import { isContentName } from "./draft.ts";
import type { Inventory } from "./nft.ts";
import type { Chain, MapVerdict, Name, NamedSet, Rule, Ruleset, Transaction, VerdictMap } from "./ruleset.ts";

/**
 * What is in the kernel after an earlier process ended in the middle of something, as far as it can be known: `kept` is what that
 * process wrote down last, perhaps some seconds before its end; `desired` is what is wanted now. The difference from this to
 * `desired` leaves in place, with their counters, all chains that are in both. Undefined if too little is known: then everything is
 * replaced.
 *
 * Elements are what the kernel says. Chains named after their content are what their names say if they have as many rules. Base
 * chains are believed from `kept` alone: keepers say when those may be others. What is not known (where a map's keys lead) is
 * taken for something that equals nothing, so it is set anew; of what is not wanted any more the name is enough.
 */
export function adopted(kept: Ruleset, found: Inventory, desired: Ruleset): Ruleset | undefined {
  const sets = objects(found.sets, (name, elements): NamedSet => {
    const known = kept.sets.get(name) ?? desired.sets.get(name) ?? { name, type: [], flag: null };
    return { ...known, elements };
  });
  const maps = objects(found.maps, (name, keys): VerdictMap => {
    const known = kept.maps.get(name) ?? desired.maps.get(name) ?? { name, type: [] };
    return { ...known, entries: new Map([...keys].map((key) => [key, nowhere])) };
  });
  const chains = objects(found.chains, (name, count) => chainAs(name, count, kept, desired));
  if ([...chains.values()].includes(undefined)) return undefined;
  return { sets, maps, counters: found.counters, chains: chains as Ruleset["chains"] };
}

/** Whether chains that are not named after their content become others: base chains, and all if the table does. */
export function touchesBaseChains(transaction: Transaction): boolean {
  return transaction.some((command) => {
    if (command.verb === "add-chain") return isBelieved(command.chain.name);
    if (command.verb === "add-rules" || command.verb === "flush-chain") return isBelieved(command.chain);
    return command.verb === "delete-table" || (command.verb === "delete-chain" && isBelieved(command.name));
  });
}

const isBelieved = (name: Name) => !isContentName(name) && !isNewcomers(name);

/** These change so often that they are always filled anew. */
const isNewcomers = (name: Name) => name === newcomersChain("egress") || name === newcomersChain("ingress");

const nowhere: MapVerdict = { verdict: "jump", to: "" as Name };

function objects<T, R>(found: ReadonlyMap<Name, T>, object: (name: Name, value: T) => R): ReadonlyMap<Name, R> {
  return new Map([...found].map(([name, value]) => [name, object(name, value)]));
}

function chainAs(name: Name, count: number, kept: Ruleset, desired: Ruleset): Chain | undefined {
  const old = kept.chains.get(name);
  const known = old ?? desired.chains.get(name);
  // Who hooks it in, and where, the inventory does not tell.
  if (old === undefined && known !== undefined && known.base !== null) return undefined;
  if (known === undefined) return { name, base: null, rules: unknownRules(count) };
  return known.rules.length === count && !isNewcomers(name) ? known : { ...known, rules: unknownRules(count) };
}

/** Rules that equal no other, so that the chain is filled anew. */
function unknownRules(count: number): readonly Rule[] {
  return Array.from({ length: count }, () => ({ when: [], statements: [] }));
}

import { isDeepStrictEqual } from "node:util";
import type { Element } from "./element.ts";
import {
  type Chain,
  type Command,
  emptyRuleset,
  hasOwnElements,
  isSameVerdict,
  type MapHeader,
  type Name,
  type NamedSet,
  type Ruleset,
  type SetHeader,
  type Transaction,
  type VerdictMap,
} from "./ruleset.ts";

export interface Change<T> {
  readonly come: readonly T[];
  readonly gone: readonly T[];
}

/** How two rulesets differ. Every object in it that stays has the header that it had. */
export interface Changed {
  readonly sets: Change<SetHeader>;
  readonly elements: readonly { readonly set: Name; readonly change: Change<Element> }[];
  readonly counters: Change<Name>;
  readonly chains: Change<Chain>;
  /** Chains that stay with other rules. */
  readonly rewritten: readonly Chain[];
  readonly maps: Change<MapHeader>;
  readonly entries: readonly { readonly before: VerdictMap | undefined; readonly after: VerdictMap }[];
}

/**
 * The commands that turn `applied` into `desired`, nothing if they are equal. Without knowledge of what is applied, or where
 * an object changed in a way nft cannot do in place, everything is replaced: in one transaction too, so at no moment
 * are there no rules.
 */
export function diff(applied: Ruleset | undefined, desired: Ruleset): Transaction {
  if (applied === undefined || !changeableInPlace(applied, desired)) return replacement(desired);
  return sequenceOf({
    sets: changeOf(applied.sets, desired.sets),
    elements: [...desired.sets.values()].map((set) => ({
      set: set.name,
      change: elementChange(applied.sets.get(set.name), set),
    })),
    counters: {
      come: [...desired.counters].filter((name) => !applied.counters.has(name)),
      gone: [...applied.counters].filter((name) => !desired.counters.has(name)),
    },
    chains: changeOf(applied.chains, desired.chains),
    rewritten: [...desired.chains.values()].filter((chain) => isRewritten(applied.chains.get(chain.name), chain)),
    maps: changeOf(applied.maps, desired.maps),
    entries: [...desired.maps.values()].map((map) => ({ before: applied.maps.get(map.name), after: map })),
  });
}

/** Order is by dependency: what is referred to comes before and goes after what refers to it. */
export function sequenceOf(changed: Changed): Transaction {
  const { sets, counters, maps, chains } = changed;
  return [
    ...sets.come.map((set): Command => ({ verb: "add-set", set: setHeader(set) })),
    ...counters.come.map((name): Command => ({ verb: "add-counter", name })),
    ...maps.come.map((map): Command => ({ verb: "add-map", map: mapHeader(map) })),
    ...chains.come.map(addChain),
    ...changed.elements.flatMap(({ set, change }) => elementCommands(set, change)),
    ...chains.come.flatMap(addRules),
    ...changed.rewritten.flatMap((chain) => [flushChain(chain), ...addRules(chain)]),
    ...changed.entries.flatMap(({ before, after }) => entryCommands(before, after)),
    // Chains are emptied first, as they may refer to each other and to sets, counters and maps that go as well.
    ...chains.gone.filter(({ rules }) => rules.length > 0).map(flushChain),
    ...maps.gone.map(({ name }): Command => ({ verb: "delete-map", name })),
    ...chains.gone.map(({ name }): Command => ({ verb: "delete-chain", name })),
    ...counters.gone.map((name): Command => ({ verb: "delete-counter", name })),
    ...sets.gone.map(({ name }): Command => ({ verb: "delete-set", name })),
  ];
}

/** Everything anew. `add` before `delete` because deleting what is not there is an error. */
function replacement(desired: Ruleset): Transaction {
  return [{ verb: "add-table" }, { verb: "delete-table" }, { verb: "add-table" }, ...diff(emptyRuleset, desired)];
}

function changeableInPlace(applied: Ruleset, desired: Ruleset): boolean {
  return (
    sameHeaders(applied.sets, desired.sets, setHeader) &&
    sameHeaders(applied.maps, desired.maps, mapHeader) &&
    sameHeaders(applied.chains, desired.chains, ({ name, base }) => ({ name, base }))
  );
}

function sameHeaders<T>(
  before: ReadonlyMap<Name, T>,
  after: ReadonlyMap<Name, T>,
  header: (object: T) => object,
): boolean {
  for (const [name, object] of after) {
    const old = before.get(name);
    if (old !== undefined && old !== object && !isDeepStrictEqual(header(old), header(object))) return false;
  }
  return true;
}

function changeOf<T>(before: ReadonlyMap<Name, T>, after: ReadonlyMap<Name, T>): Change<T> {
  const missing = (from: ReadonlyMap<Name, T>, other: ReadonlyMap<Name, T>) =>
    [...from].filter(([name]) => !other.has(name)).map(([, object]) => object);
  return { come: missing(after, before), gone: missing(before, after) };
}

/** Elements with a timeout come and go without us. */
function elementChange(before: NamedSet | undefined, after: NamedSet): Change<Element> {
  if (before?.elements === after.elements || hasOwnElements(after)) return { come: [], gone: [] };
  return {
    come: [...after.elements].filter((element) => !before?.elements.has(element)),
    gone: before === undefined ? [] : [...before.elements].filter((element) => !after.elements.has(element)),
  };
}

/** Deletes go first: an interval that grows would overlap with what it was. */
function elementCommands(set: Name, { come, gone }: Change<Element>): readonly Command[] {
  return [
    ...(gone.length === 0 ? [] : [{ verb: "delete-elements" as const, set, elements: gone }]),
    ...(come.length === 0 ? [] : [{ verb: "add-elements" as const, set, elements: come }]),
  ];
}

/** An entry that points elsewhere is deleted and added again: nft has no other way. */
function entryCommands(before: VerdictMap | undefined, after: VerdictMap): readonly Command[] {
  const same = (key: Element) => isSameVerdict(before?.entries.get(key), after.entries.get(key));
  const keys = before === undefined ? [] : [...before.entries.keys()].filter((key) => !same(key));
  const entries = new Map([...after.entries].filter(([key]) => !same(key)));
  return [
    ...(keys.length === 0 ? [] : [{ verb: "delete-entries" as const, map: after.name, keys }]),
    ...(entries.size === 0 ? [] : [{ verb: "add-entries" as const, map: after.name, entries }]),
  ];
}

function isRewritten(before: Chain | undefined, after: Chain): boolean {
  return before !== undefined && before !== after && !isDeepStrictEqual(before.rules, after.rules);
}

function addChain({ name, base }: Chain): Command {
  return { verb: "add-chain", chain: { name, base } };
}

function addRules({ name, rules }: Chain): readonly Command[] {
  return rules.length === 0 ? [] : [{ verb: "add-rules", chain: name, rules }];
}

function flushChain({ name }: Pick<Chain, "name">): Command {
  return { verb: "flush-chain", chain: name };
}

function setHeader({ name, type, flag, timeoutMs, size }: SetHeader): SetHeader {
  return {
    ...{ name, type, flag },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(size === undefined ? {} : { size }),
  };
}

function mapHeader({ name, type }: MapHeader): MapHeader {
  return { name, type };
}

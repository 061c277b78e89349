import { isDeepStrictEqual } from "node:util";
import type { Element } from "./element.ts";
import type {
  Chain,
  Command,
  MapHeader,
  Name,
  NamedSet,
  Ruleset,
  SetHeader,
  Transaction,
  VerdictMap,
} from "./ruleset.ts";
import { emptyRuleset } from "./ruleset.ts";

/**
 * The commands that turn `applied` into `desired`, nothing if they are equal. Without knowledge of what is applied, or where
 * an object changed in a way nft cannot do in place, everything is replaced: in one transaction too, so at no moment
 * are there no rules. Order is by dependency: what is referred to comes before and goes after what refers to it.
 */
export function diff(applied: Ruleset | undefined, desired: Ruleset): Transaction {
  if (applied === undefined || !changeableInPlace(applied, desired)) return replacement(desired);
  return [
    ...added(applied.sets, desired.sets).map((set): Command => ({ verb: "add-set", set: setHeader(set) })),
    ...added(applied.maps, desired.maps).map((map): Command => ({ verb: "add-map", map: mapHeader(map) })),
    ...[...desired.counters]
      .filter((name) => !applied.counters.has(name))
      .map((name): Command => ({ verb: "add-counter", name })),
    ...added(applied.chains, desired.chains).map(addChain),
    ...[...desired.sets.values()].flatMap((set) => elementChanges(applied.sets.get(set.name), set)),
    ...[...desired.chains.values()].flatMap((chain) => ruleChanges(applied.chains.get(chain.name), chain)),
    ...[...desired.maps.values()].flatMap((map) => entryChanges(applied.maps.get(map.name), map)),
    ...removals(applied, desired),
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

/** Deletes go first: an interval that grows would overlap with what it was. */
function elementChanges(before: NamedSet | undefined, after: NamedSet): Command[] {
  if (before?.elements === after.elements || after.flag === "timeout") return [];
  const gone = before === undefined ? [] : [...before.elements].filter((element) => !after.elements.has(element));
  const fresh = [...after.elements].filter((element) => !before?.elements.has(element));
  const commands: Command[] = [
    { verb: "delete-elements", set: after.name, elements: gone },
    { verb: "add-elements", set: after.name, elements: fresh },
  ];
  return commands.filter((command) => "elements" in command && command.elements.length > 0);
}

/** An entry that points elsewhere is deleted and added again: nft has no other way. */
function entryChanges(before: VerdictMap | undefined, after: VerdictMap): Command[] {
  const same = (key: Element) => isDeepStrictEqual(before?.entries.get(key), after.entries.get(key));
  const keys = before === undefined ? [] : [...before.entries.keys()].filter((key) => !same(key));
  const entries = new Map([...after.entries].filter(([key]) => !same(key)));
  return [
    ...(keys.length === 0 ? [] : [{ verb: "delete-entries" as const, map: after.name, keys }]),
    ...(entries.size === 0 ? [] : [{ verb: "add-entries" as const, map: after.name, entries }]),
  ];
}

function ruleChanges(before: Chain | undefined, after: Chain): Command[] {
  if (before !== undefined && isDeepStrictEqual(before.rules, after.rules)) return [];
  const flush: Command[] = before === undefined || before.rules.length === 0 ? [] : [flushChain(before)];
  return after.rules.length === 0 ? flush : [...flush, { verb: "add-rules", chain: after.name, rules: after.rules }];
}

/** Chains are emptied first, as they may refer to each other and to sets and maps that go as well. */
function removals(applied: Ruleset, desired: Ruleset): Command[] {
  const chains = added(desired.chains, applied.chains);
  return [
    ...chains.filter(({ rules }) => rules.length > 0).map(flushChain),
    ...added(desired.maps, applied.maps).map(({ name }): Command => ({ verb: "delete-map", name })),
    ...chains.map(({ name }): Command => ({ verb: "delete-chain", name })),
    ...added(desired.sets, applied.sets).map(({ name }): Command => ({ verb: "delete-set", name })),
    ...[...applied.counters]
      .filter((name) => !desired.counters.has(name))
      .map((name): Command => ({ verb: "delete-counter", name })),
  ];
}

function added<T>(before: ReadonlyMap<Name, T>, after: ReadonlyMap<Name, T>): T[] {
  return [...after].filter(([name]) => !before.has(name)).map(([, object]) => object);
}

function addChain({ name, base }: Chain): Command {
  return { verb: "add-chain", chain: { name, base } };
}

function flushChain({ name }: Chain): Command {
  return { verb: "flush-chain", chain: name };
}

function setHeader({ name, type, flag }: NamedSet): SetHeader {
  return { name, type, flag };
}

function mapHeader({ name, type }: VerdictMap): MapHeader {
  return { name, type };
}

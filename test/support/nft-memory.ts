import { SluiceError } from "../../core/errors.ts";
import type { Element } from "../../enforcer/element.ts";
import { intervalOf, keyOf } from "../../enforcer/element-key.ts";
import type { Inventory, Nft } from "../../enforcer/nft.ts";
import {
  type Chain,
  type Command,
  type Condition,
  emptyRuleset,
  hasOwnElements,
  type MapVerdict,
  type Name,
  type NamedSet,
  type Ruleset,
  type Statement,
  type Transaction,
  type VerdictMap,
} from "../../enforcer/ruleset.ts";

/**
 * nftables in memory: carries transactions out on a Ruleset, all or nothing, and refuses what the kernel refuses: names and
 * elements that are missing, and deleting what something still refers to. Stricter than the kernel in one thing: what is
 * there already is not added again, as nobody who knows the state has a reason to.
 */
export class NftMemory implements Nft {
  /** Every transaction that was carried out. */
  readonly applied: Transaction[] = [];
  #table: Ruleset | undefined;
  #left: Ruleset | undefined;
  /** It can write again what it was told. */
  readonly remembers: boolean;
  rewritten = 0;

  /** The next transactions fail with this, one each. */
  readonly failures: SluiceError[] = [];

  constructor({ remembers = false }: { readonly remembers?: boolean } = {}) {
    this.remembers = remembers;
  }

  get ruleset(): Ruleset | undefined {
    return this.#table;
  }

  /** What the next ones to list are told, whatever there is. */
  readonly listings: (Inventory | undefined)[] = [];

  list(): Promise<Inventory | undefined> {
    if (this.listings.length > 0) return Promise.resolve(this.listings.shift());
    return Promise.resolve(this.#table === undefined ? undefined : inventoryOf(this.#table));
  }

  async check(transaction: Transaction): Promise<void> {
    await Promise.resolve();
    applied(this.#table, transaction);
  }

  async apply(transaction: Transaction): Promise<void> {
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.#table = applied(this.#table, transaction);
    this.#left = this.#table;
    this.applied.push(transaction);
  }

  async rewrite(more: Transaction): Promise<boolean> {
    await Promise.resolve();
    if (!this.remembers || this.#left === undefined) return false;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.#table = applied(lasting(this.#left), more);
    this.rewritten += 1;
    return true;
  }

  /** What somebody else does. */
  tamper(transaction: Transaction): void {
    this.#table = applied(this.#table, transaction);
  }
}

/** Without elements that end by themselves. */
function lasting(ruleset: Ruleset): Ruleset {
  const sets = [...ruleset.sets].map(([name, set]) => {
    const kept = hasOwnElements(set) ? { ...set, elements: new Set<Element>() } : set;
    return [name, kept] as const;
  });
  return { ...ruleset, sets: new Map(sets) };
}

function inventoryOf(ruleset: Ruleset): Inventory {
  const { sets, maps, counters, chains } = ruleset;
  return {
    counters,
    sets: new Map([...sets].map(([name, { elements }]) => [name, elements])),
    maps: new Map([...maps].map(([name, { entries }]) => [name, new Set(entries.keys())])),
    chains: new Map([...chains].map(([name, { rules }]) => [name, rules.length])),
  };
}

interface Draft {
  readonly sets: Map<Name, NamedSet>;
  readonly maps: Map<Name, VerdictMap>;
  readonly counters: Set<Name>;
  readonly chains: Map<Name, Chain>;
}

/** The ruleset after a transaction; NFT_FAILED if nft would refuse it. */
export function applied(before: Ruleset | undefined, transaction: Transaction): Ruleset | undefined {
  let table: Draft | undefined = before && copyOf(before);
  for (const command of transaction)
    if (command.verb === "add-table") table ??= copyOf(emptyRuleset);
    else if (command.verb === "delete-table") {
      if (table === undefined) throw refused(command, "there is no table");
      table = undefined;
    } else if (table === undefined) throw refused(command, "there is no table");
    else carryOut(table, command);
  return table;
}

function copyOf({ sets, maps, counters, chains }: Ruleset): Draft {
  return { sets: new Map(sets), maps: new Map(maps), counters: new Set(counters), chains: new Map(chains) };
}

type InTable = Exclude<Command, { verb: "add-table" | "delete-table" }>;

function carryOut(table: Draft, command: InTable): void {
  const { sets, maps, counters, chains } = table;
  switch (command.verb) {
    case "add-set":
      insert(command, sets, { ...command.set, elements: new Set<Element>() });
      break;
    case "add-map":
      insert(command, maps, { ...command.map, entries: new Map<Element, MapVerdict>() });
      break;
    case "add-counter":
      if (counters.has(command.name)) throw refused(command, `${command.name} is there already`);
      counters.add(command.name);
      break;
    case "add-chain":
      insert(command, chains, { ...command.chain, rules: [] });
      break;
    case "add-elements":
    case "delete-elements":
      changeElements(table, command);
      break;
    case "add-entries":
    case "delete-entries":
      changeEntries(table, command);
      break;
    case "add-rules": {
      const chain = existing(command, chains, command.chain);
      for (const name of command.rules.flatMap(namesIn)) demand(command, table, name);
      chains.set(chain.name, { ...chain, rules: [...chain.rules, ...command.rules] });
      break;
    }
    case "flush-chain":
      chains.set(command.chain, { ...existing(command, chains, command.chain), rules: [] });
      break;
    case "delete-chain":
      remove(command, table, chains, command.name);
      break;
    case "delete-map":
      remove(command, table, maps, command.name);
      break;
    case "delete-set":
      remove(command, table, sets, command.name);
      break;
    case "delete-counter":
      if (isReferred(table, command.name)) throw refused(command, `${command.name} is in use`);
      if (!counters.delete(command.name)) throw refused(command, `${command.name} is not there`);
      break;
  }
}

function changeElements(
  { sets }: Draft,
  command: Extract<Command, { verb: "add-elements" | "delete-elements" }>,
): void {
  const set = existing(command, sets, command.set);
  const elements = new Set(set.elements);
  for (const element of command.elements)
    if (command.verb === "delete-elements") {
      if (!elements.delete(element)) throw refused(command, `${element} is not there`);
    } else if (elements.has(element)) throw refused(command, `${element} is there already`);
    else elements.add(element);
  if (command.verb === "add-elements") demandFit(command, set, elements);
  sets.set(set.name, { ...set, elements });
}

/** All are of the set's type, and no two intervals overlap. */
function demandFit(command: Command, { type, flag }: NamedSet, elements: ReadonlySet<Element>): void {
  const [only] = type;
  if (flag !== "interval" || only === undefined) {
    for (const element of elements) keyOf(element, type);
    return;
  }
  const intervals = [...elements].map((element) => intervalOf(element, only));
  intervals.sort((a, b) => Buffer.compare(a.start, b.start));
  for (const [index, { start }] of intervals.entries()) {
    const before = intervals[index - 1];
    if (before !== undefined && (before.end === null || Buffer.compare(before.end, start) > 0))
      throw refused(command, "intervals overlap");
  }
}

function changeEntries(table: Draft, command: Extract<Command, { verb: "add-entries" | "delete-entries" }>): void {
  const map = existing(command, table.maps, command.map);
  const entries = new Map(map.entries);
  if (command.verb === "delete-entries") {
    for (const key of command.keys) if (!entries.delete(key)) throw refused(command, `${key} is not there`);
  } else
    for (const [key, verdict] of command.entries) {
      if (entries.has(key)) throw refused(command, `${key} is there already`);
      if (verdict.verdict === "jump") existing(command, table.chains, verdict.to);
      entries.set(key, verdict);
    }
  table.maps.set(map.name, { ...map, entries });
}

function insert<T extends { readonly name: Name }>(command: Command, objects: Map<Name, T>, object: T): void {
  if (objects.has(object.name)) throw refused(command, `${object.name} is there already`);
  objects.set(object.name, object);
}

function remove<T>(command: Command, table: Draft, objects: Map<Name, T>, name: Name): void {
  existing(command, objects, name);
  if (isReferred(table, name)) throw refused(command, `${name} is in use`);
  objects.delete(name);
}

function existing<T>(command: Command, objects: ReadonlyMap<Name, T>, name: Name): T {
  const found = objects.get(name);
  if (found === undefined) throw refused(command, `${name} is not there`);
  return found;
}

function demand(command: Command, { sets, maps, counters, chains }: Draft, name: Name): void {
  if (!sets.has(name) && !maps.has(name) && !counters.has(name) && !chains.has(name))
    throw refused(command, `${name} is not there`);
}

function isReferred({ maps, chains }: Draft, name: Name): boolean {
  const inRules = [...chains.values()].some((chain) => chain.rules.some((rule) => namesIn(rule).includes(name)));
  const inMaps = [...maps.values()].some(({ entries }) =>
    [...entries.values()].some((verdict) => verdict.verdict === "jump" && verdict.to === name),
  );
  return inRules || inMaps;
}

function namesIn(rule: { readonly when: readonly Condition[]; readonly statements: readonly Statement[] }): Name[] {
  const inConditions = rule.when.flatMap((condition) =>
    condition.if === "member" || condition.if === "overLimit" ? [condition.set] : [],
  );
  const inStatements = rule.statements.flatMap((statement) => {
    if (statement.do === "jump") return [statement.to];
    if (statement.do === "count") return [statement.counter];
    return statement.do === "dispatch" ? [statement.map] : [];
  });
  return [...inConditions, ...inStatements];
}

function refused(command: Command, reason: string): SluiceError {
  return new SluiceError("NFT_FAILED", `nft: ${reason}`, { context: { command: command.verb } });
}

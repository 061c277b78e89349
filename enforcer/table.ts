import { isDeepStrictEqual } from "node:util";
import type { SetId } from "../policy/program.ts";
import { type Changed, sequenceOf } from "./diff.ts";
import { type DraftedSet, type Fragment, isContentName } from "./draft.ts";
import type { Element } from "./element.ts";
import type { Chain, Name, NamedSet, Ruleset, Transaction, VerdictMap } from "./ruleset.ts";
import type { ElementChange, SetMembers } from "./set-members.ts";

/** What a ruleset is put together from. */
export interface Structure {
  /** The very same list if nothing in it has changed. */
  readonly fragments: readonly Fragment[];
  readonly maps: ReadonlyMap<Name, VerdictMap>;
  /** The node's own sets. */
  readonly sets: ReadonlyMap<Name, NamedSet>;
}

/** A ruleset that changes, and says how. */
export class Table {
  #fragments: readonly Fragment[] | undefined;
  #drafted: Drafted = nothing;
  #sets = new Map<Name, NamedSet>();
  #maps: ReadonlyMap<Name, VerdictMap> = new Map();
  #chains: ReadonlyMap<Name, Chain> = new Map();

  get ruleset(): Ruleset {
    const { counters } = this.#drafted;
    return {
      sets: sorted(this.#sets),
      maps: sorted(this.#maps),
      counters: new Set([...counters].sort()),
      chains: sorted(this.#chains),
    };
  }

  /** Whether rules look into a set of the Program. */
  looksAt(id: SetId): boolean {
    return this.#drafted.bySet.has(id);
  }

  /** `moved`: sets of the Program whose members are others than before. */
  change(
    { fragments, maps, sets }: Structure,
    moved: ReadonlySet<SetId>,
    membersOf: (id: SetId) => SetMembers,
  ): Transaction {
    const drafted = this.#drafted;
    const isSame = fragments === this.#fragments;
    if (!isSame) this.#drafted = unionOf(fragments);
    this.#fragments = fragments;
    const { counters, chains } = this.#drafted;
    const changed: Changed = {
      sets: { come: [], gone: [] },
      elements: [],
      counters: isSame ? none : changeOf(drafted.counters, counters),
      chains: isSame ? none : changeOfObjects(this.#chains, chains),
      rewritten: isSame ? [] : [...chains.values()].filter((chain) => isRewritten(this.#chains.get(chain.name), chain)),
      maps: changeOfObjects(this.#maps, maps),
      entries: [...maps.values()]
        .map((map) => ({ before: this.#maps.get(map.name), after: map }))
        .filter(({ before, after }) => before !== after),
    };
    const setChanges = this.#changeSets(sets, membersOf, isSame ? moved : undefined);
    this.#maps = maps;
    this.#chains = chains;
    return sequenceOf({ ...changed, ...setChanges });
  }

  #changeSets(
    own: ReadonlyMap<Name, NamedSet>,
    membersOf: (id: SetId) => SetMembers,
    only: ReadonlySet<SetId> | undefined,
  ): Pick<Changed, "sets" | "elements"> {
    const [come, elements]: [NamedSet[], { set: Name; change: ElementChange }[]] = [[], []];
    const drafted = this.#drafted.sets;
    const gone =
      only !== undefined ? [] : [...this.#sets.values()].filter(({ name }) => !drafted.has(name) && !own.has(name));
    for (const { name } of gone) this.#sets.delete(name);
    for (const set of own.values()) {
      const before = this.#sets.get(set.name);
      if (before === undefined) come.push(set);
      if (before?.elements === set.elements) continue;
      elements.push({ set: set.name, change: changeOf(before?.elements ?? empty, set.elements) });
      this.#sets.set(set.name, set);
    }
    const asked = only === undefined ? drafted.values() : [...only].flatMap((id) => this.#drafted.bySet.get(id) ?? []);
    for (const { origin, ...header } of asked) {
      const known = this.#sets.has(header.name);
      if (origin.from === "constant") {
        if (known) continue;
        come.push({ ...header, elements: origin.elements });
        elements.push({ set: header.name, change: { come: [...origin.elements], gone: [] } });
        this.#sets.set(header.name, { ...header, elements: origin.elements });
        continue;
      }
      const members = membersOf(origin.id);
      const change = members.take(origin.family, origin.part);
      const now = members.elements(origin.family, origin.part);
      if (!known) come.push({ ...header, elements: now });
      if (!known) elements.push({ set: header.name, change: { come: [...now], gone: [] } });
      else elements.push({ set: header.name, change });
      if (this.#sets.get(header.name)?.elements !== now) this.#sets.set(header.name, { ...header, elements: now });
    }
    return { sets: { come, gone }, elements };
  }
}

interface Drafted {
  readonly sets: ReadonlyMap<Name, DraftedSet>;
  readonly counters: ReadonlySet<Name>;
  readonly chains: ReadonlyMap<Name, Chain>;
  /** By the set of the Program whose members they hold. */
  readonly bySet: ReadonlyMap<SetId, readonly DraftedSet[]>;
}

const nothing: Drafted = { sets: new Map(), counters: new Set(), chains: new Map(), bySet: new Map() };
const none = { come: [], gone: [] };
const empty: ReadonlySet<Element> = new Set();

function unionOf(fragments: readonly Fragment[]): Drafted {
  const [sets, counters, chains] = [new Map<Name, DraftedSet>(), new Set<Name>(), new Map<Name, Chain>()];
  for (const fragment of fragments) {
    for (const [name, set] of fragment.sets) sets.set(name, set);
    for (const name of fragment.counters) counters.add(name);
    for (const [name, chain] of fragment.chains) chains.set(name, chain);
  }
  const ofMembers = [...sets.values()].flatMap((set) =>
    set.origin.from === "members" ? [{ id: set.origin.id, set }] : [],
  );
  const bySet = new Map<SetId, DraftedSet[]>();
  for (const { id, set } of ofMembers) bySet.set(id, [...(bySet.get(id) ?? []), set]);
  return { sets, counters, chains, bySet };
}

function changeOf<T>(
  before: ReadonlySet<T>,
  after: ReadonlySet<T>,
): { readonly come: readonly T[]; readonly gone: readonly T[] } {
  return { come: [...after].filter((one) => !before.has(one)), gone: [...before].filter((one) => !after.has(one)) };
}

function changeOfObjects<T>(before: ReadonlyMap<Name, T>, after: ReadonlyMap<Name, T>) {
  const missing = (from: ReadonlyMap<Name, T>, other: ReadonlyMap<Name, T>) =>
    [...from].filter(([name]) => !other.has(name)).map(([, object]) => object);
  return { come: missing(after, before), gone: missing(before, after) };
}

/** Chains that are named after their rules cannot be. */
function isRewritten(before: Chain | undefined, after: Chain): boolean {
  return (
    before !== undefined &&
    before !== after &&
    !isContentName(after.name) &&
    !isDeepStrictEqual(before.rules, after.rules)
  );
}

function sorted<T>(objects: ReadonlyMap<Name, T>): ReadonlyMap<Name, T> {
  return new Map([...objects].sort(([a], [b]) => (a < b ? -1 : 1)));
}

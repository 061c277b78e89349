import { isDeepStrictEqual } from "node:util";
import type { SetId } from "../policy/program.ts";
import { type Change, type Changed, sequenceOf } from "./diff.ts";
import { type DraftedSet, type Fragment, isContentName, type Origin } from "./draft.ts";
import type { Element } from "./element.ts";
import { FragmentUnion } from "./fragment-union.ts";
import type { Chain, Name, NamedSet, Ruleset, Transaction, VerdictMap } from "./ruleset.ts";
import type { SetMembers } from "./set-members.ts";

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
  readonly #drafted = new FragmentUnion();
  readonly #sets = new Map<Name, NamedSet>();
  #maps: ReadonlyMap<Name, VerdictMap> = new Map();
  #own: ReadonlyMap<Name, NamedSet> = new Map();

  get ruleset(): Ruleset {
    const { counters, chains } = this.#drafted;
    return {
      sets: sorted(this.#sets),
      maps: sorted(this.#maps),
      counters: new Set([...counters].sort()),
      chains: sorted(chains),
    };
  }

  /** Whether rules look into a set of the Program. */
  looksAt(id: SetId): boolean {
    return this.#drafted.ofSet(id).length > 0;
  }

  /** `moved`: sets of the Program whose members are others than before. */
  change(
    { fragments, maps, sets: own }: Structure,
    moved: ReadonlySet<SetId>,
    membersOf: (id: SetId) => SetMembers,
  ): Transaction {
    const { sets, counters, chains } = fragments === this.#fragments ? same : this.#drafted.follow(fragments);
    this.#fragments = fragments;
    const gone = [...missing(this.#own, own), ...sets.gone];
    for (const { name } of gone) this.#sets.delete(name);
    const asked = new Set([...sets.come, ...[...moved].flatMap((id) => this.#drafted.ofSet(id))]);
    const changes = [
      ...[...own.values()].flatMap((set) => this.#changeOwn(set)),
      ...[...asked].map((set) => this.#changeDrafted(set, membersOf)),
    ];
    const changed: Changed = {
      sets: { come: changes.flatMap(({ come }) => come ?? []), gone },
      elements: changes,
      counters,
      chains,
      rewritten: chains.changed.filter(isRewritten).map(({ after }) => after),
      maps: { come: missing(maps, this.#maps), gone: missing(this.#maps, maps) },
      entries: [...maps.values()]
        .map((map) => ({ before: this.#maps.get(map.name), after: map }))
        .filter(({ before, after }) => before !== after),
    };
    [this.#own, this.#maps] = [own, maps];
    return sequenceOf(changed);
  }

  /** None where the elements are the very same. */
  #changeOwn(set: NamedSet): readonly SetChange[] {
    const before = this.#sets.get(set.name);
    if (before?.elements === set.elements) return [];
    this.#sets.set(set.name, set);
    const come = before === undefined ? set : undefined;
    return [{ set: set.name, come, change: changeOf(before?.elements ?? empty, set.elements) }];
  }

  #changeDrafted({ origin, ...header }: DraftedSet, membersOf: (id: SetId) => SetMembers): SetChange {
    const { name } = header;
    const { elements, change } =
      origin.from === "constant" ? { ...origin, change: none } : takenFrom(membersOf(origin.id), origin);
    const before = this.#sets.get(name);
    const set = { ...header, elements };
    if (before?.elements !== elements) this.#sets.set(name, set);
    if (before !== undefined) return { set: name, come: undefined, change };
    return { set: name, come: set, change: { come: [...elements], gone: [] } };
  }
}

function takenFrom(members: SetMembers, { family, part }: Extract<Origin, { from: "members" }>) {
  return { change: members.take(family, part), elements: members.elements(family, part) };
}

interface SetChange {
  readonly set: Name;
  /** If it was not there. */
  readonly come: NamedSet | undefined;
  readonly change: Change<Element>;
}

const none = { come: [], gone: [] };
const same = { sets: none, counters: none, chains: { ...none, changed: [] } };
const empty: ReadonlySet<Element> = new Set();

function changeOf<T>(before: ReadonlySet<T>, after: ReadonlySet<T>): Change<T> {
  return { come: [...after].filter((one) => !before.has(one)), gone: [...before].filter((one) => !after.has(one)) };
}

function missing<T>(from: ReadonlyMap<Name, T>, other: ReadonlyMap<Name, unknown>): readonly T[] {
  return [...from].filter(([name]) => !other.has(name)).map(([, object]) => object);
}

/** Chains that are named after their rules cannot be. */
function isRewritten({ before, after }: { readonly before: Chain; readonly after: Chain }): boolean {
  return !isContentName(after.name) && !isDeepStrictEqual(before.rules, after.rules);
}

function sorted<T>(objects: ReadonlyMap<Name, T>): ReadonlyMap<Name, T> {
  return new Map([...objects].sort(([a], [b]) => (a < b ? -1 : 1)));
}

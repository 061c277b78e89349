import { Multimap } from "../core/multimap.ts";
import { SortedMap } from "../core/sorted-map.ts";
import { ViewedMap } from "../core/viewed-map.ts";
import type { Entries, EntryIndex } from "./entry-index.ts";
import { type Group, MomentaryClasses } from "./momentary-classes.ts";
import type { EndpointId, Placement } from "./placement.ts";
import type { Asked, Roster } from "./roster.ts";

/** A group that somebody is in. */
interface Kept extends Group {
  readonly key: string;
  /** How many are. */
  size: number;
}

/**
 * Which endpoint is of which class, kept up to date. Endpoints stand in groups, and groups have classes: another rule in a policy
 * for 100,000 pods gives another class to a few thousand groups, no pod needs to be looked at, and no class is made that nobody asks for.
 */
export class Classes {
  readonly #roster: Roster;
  readonly #groups = new Map<string, Kept>();
  readonly #groupsOf = new Multimap<string, Kept>();
  readonly #entries: EntryIndex;
  #entriesNow: Entries;
  /** Selectors of entries that have been asked for. */
  readonly #applied = new Set<string>();
  /** By the list of selectors that select them, which all endpoints of the same labels share; as long as `#applied` is what it is. */
  #groupOfKin = new WeakMap<readonly Asked[], Kept>();
  #groupOf = SortedMap.empty<EndpointId, Kept>();
  /** Counts what has been told. */
  #moment = 0;
  #current: Pick<Placement, "classOf" | "classes"> | undefined;

  constructor(roster: Roster, entries: EntryIndex) {
    this.#roster = roster;
    this.#entries = entries;
    this.#entriesNow = entries.current();
  }

  /** As they are now: what comes later does not change them. */
  current(): Pick<Placement, "classOf" | "classes"> {
    this.#current ??= this.#view();
    return this.#current;
  }

  #view(): Pick<Placement, "classOf" | "classes"> {
    const groupOf = this.#groupOf;
    const classes = new MomentaryClasses(this.#moment, this.#entriesNow, { [Symbol.iterator]: () => groupOf.values() });
    return { classes, classOf: new ViewedMap(groupOf, (group) => classes.of(group).id) };
  }

  /** The entries of these selectors came, went, changed or moved. */
  use(selectors: Iterable<string>): void {
    this.#moment += 1;
    this.#entriesNow = this.#entries.current();
    const [moved, gone] = [new Set<EndpointId>(), new Set<string>()];
    for (const selector of selectors) {
      const [was, is] = [this.#applied.has(selector), this.#entries.has(selector)];
      if (was && is) this.#renew(this.#groupsOf.get(selector));
      if (was === is) continue;
      this.#groupOfKin = new WeakMap();
      if (is) this.#roster.ask(selector);
      else gone.add(selector);
      if (is) this.#applied.add(selector);
      else this.#applied.delete(selector);
      for (const id of this.#roster.selected(selector).keys()) moved.add(id);
    }
    this.#regroup(moved);
    for (const selector of gone) this.#roster.drop(selector);
  }

  /** These endpoints came, went, or are selected by others than before. */
  move(endpoints: Iterable<EndpointId>): void {
    this.#moment += 1;
    this.#regroup(endpoints);
  }

  close(): void {
    for (const selector of this.#applied) this.#roster.drop(selector);
  }

  #renew(groups: Iterable<Kept>): void {
    for (const group of groups) {
      group.since = this.#moment;
      this.#current = undefined;
    }
  }

  /** Puts endpoints where they belong. */
  #regroup(endpoints: Iterable<EndpointId>): void {
    const changes = new Map<EndpointId, Kept | undefined>();
    const left = new Set<Kept>();
    for (const id of endpoints) {
      const group = this.#groupFor(id);
      const before = this.#groupOf.get(id);
      if (group === before) continue;
      if (group !== undefined) group.size += 1;
      if (before !== undefined) {
        before.size -= 1;
        left.add(before);
      }
      changes.set(id, group);
    }
    if (changes.size > 0) this.#current = undefined;
    this.#groupOf = this.#groupOf.with(changes);
    for (const group of left) if (group.size === 0) this.#removeGroup(group);
  }

  #groupFor(id: EndpointId): Kept | undefined {
    const kind = this.#roster.endpoint(id)?.kind;
    if (kind !== "pod" && kind !== "host") return undefined;
    const all = this.#roster.selectorsOf(id);
    const same = this.#groupOfKin.get(all);
    if (same?.kind === kind && this.#groups.get(same.key) === same) return same;
    const group = this.#groupOfSelected(all, kind);
    this.#groupOfKin.set(all, group);
    return group;
  }

  #groupOfSelected(all: readonly Asked[], kind: Kept["kind"]): Kept {
    const asked = all.filter(({ text }) => this.#applied.has(text));
    const key = `${kind} ${numbersOf(asked).join()}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    return this.#addGroup({ key, kind, selectors: asked.map(({ text }) => text) });
  }

  #addGroup(parts: Pick<Kept, "key" | "kind" | "selectors">): Kept {
    const group: Kept = { ...parts, size: 0, since: this.#moment };
    this.#groups.set(group.key, group);
    for (const selector of group.selectors) this.#groupsOf.add(selector, group);
    return group;
  }

  #removeGroup(group: Kept): void {
    this.#groups.delete(group.key);
    for (const selector of group.selectors) this.#groupsOf.delete(selector, group);
  }
}

function numbersOf(asked: readonly Asked[]): readonly number[] {
  return asked.map(({ number }) => number).sort((a, b) => a - b);
}

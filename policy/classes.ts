import { Multimap } from "../core/multimap.ts";
import { SortedMap } from "../core/sorted-map.ts";
import { ViewedMap } from "../core/viewed-map.ts";
import type { EntryIndex } from "./entry-index.ts";
import type { ClassId, EndpointId, PolicyClass } from "./placement.ts";
import { classOfEntries } from "./policy-class.ts";
import type { Asked, Roster } from "./roster.ts";

/** All endpoints of one kind whom the same selectors of `applies` select. */
interface Group {
  readonly number: number;
  readonly key: string;
  readonly kind: "pod" | "host";
  readonly selectors: readonly string[];
  /** How many they are. */
  size: number;
  id: ClassId | undefined;
}

/**
 * Which endpoint is of which class, kept up to date. Endpoints stand in groups, and groups have classes: another rule in a policy
 * for 100,000 pods gives another class to a few groups, and no pod needs to be looked at.
 */
export class Classes {
  readonly #roster: Roster;
  readonly #groups = new Map<string, Group>();
  readonly #groupsOf = new Multimap<string, Group>();
  readonly #byNumber: (Group | undefined)[] = [];
  readonly #free: number[] = [];
  /** How many groups have a class. */
  readonly #shares = new Map<ClassId, number>();
  /** By number, the ids of their classes. */
  readonly #ids: (ClassId | undefined)[] = [];
  readonly #entries: EntryIndex;
  /** Selectors of entries that have been asked for. */
  readonly #applied = new Set<string>();
  #groupOf = SortedMap.empty<EndpointId, number>();
  #classes = SortedMap.empty<ClassId, PolicyClass>();
  #classOf: ReadonlyMap<EndpointId, ClassId> | undefined;

  constructor(roster: Roster, entries: EntryIndex) {
    this.#roster = roster;
    this.#entries = entries;
  }

  get classes(): SortedMap<ClassId, PolicyClass> {
    return this.#classes;
  }

  /** As it is now: what comes later does not change it. */
  classOf(): ReadonlyMap<EndpointId, ClassId> {
    this.#classOf ??= this.#viewOfClasses();
    return this.#classOf;
  }

  #viewOfClasses(): ReadonlyMap<EndpointId, ClassId> {
    const ids = this.#ids.slice();
    return new ViewedMap(this.#groupOf, (number) => ids[number] as ClassId);
  }

  /** The entries of these selectors came, went, changed or moved. */
  use(selectors: Iterable<string>): void {
    const [stale, moved, gone] = [new Set<Group>(), new Set<EndpointId>(), new Set<string>()];
    for (const selector of selectors) {
      const [was, is] = [this.#applied.has(selector), this.#entries.has(selector)];
      if (was && is) for (const group of this.#groupsOf.get(selector)) stale.add(group);
      if (was === is) continue;
      if (is) this.#roster.ask(selector);
      else gone.add(selector);
      if (is) this.#applied.add(selector);
      else this.#applied.delete(selector);
      for (const id of this.#roster.selected(selector).keys()) moved.add(id);
    }
    this.#regroup(moved, stale);
    for (const selector of gone) this.#roster.drop(selector);
  }

  /** These endpoints came, went, or are selected by others than before. */
  move(endpoints: Iterable<EndpointId>): void {
    this.#regroup(endpoints, new Set());
  }

  close(): void {
    for (const selector of this.#applied) this.#roster.drop(selector);
  }

  /** Puts endpoints where they belong, then gives all new groups and these a class. */
  #regroup(endpoints: Iterable<EndpointId>, stale: Set<Group>): void {
    const changes = new Map<EndpointId, number | undefined>();
    for (const id of endpoints) {
      const group = this.#groupFor(id);
      const before = this.#groupOf.get(id);
      if (group?.number === before) continue;
      if (group !== undefined) group.size += 1;
      if (group?.id === undefined && group !== undefined) stale.add(group);
      if (before !== undefined) {
        const left = this.#byNumber[before] as Group;
        left.size -= 1;
        stale.add(left);
      }
      changes.set(id, group?.number);
    }
    if (changes.size > 0) this.#classOf = undefined;
    this.#groupOf = this.#groupOf.with(changes);
    this.#classify(stale);
  }

  #groupFor(id: EndpointId): Group | undefined {
    const kind = this.#roster.endpoint(id)?.kind;
    if (kind !== "pod" && kind !== "host") return undefined;
    const asked = this.#roster.selectorsOf(id).filter(({ text }) => this.#applied.has(text));
    const key = `${kind} ${numbersOf(asked).join()}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    return this.#addGroup({ key, kind, selectors: asked.map(({ text }) => text) });
  }

  #addGroup(parts: Pick<Group, "key" | "kind" | "selectors">): Group {
    const number = this.#free.pop() ?? this.#byNumber.length;
    const group: Group = { ...parts, number, size: 0, id: undefined };
    this.#byNumber[number] = group;
    this.#groups.set(group.key, group);
    for (const selector of group.selectors) this.#groupsOf.add(selector, group);
    return group;
  }

  #classify(stale: ReadonlySet<Group>): void {
    const found = new Map<ClassId, PolicyClass>();
    const touched = new Set<ClassId>();
    for (const group of stale) this.#reclassify(group, found, touched);
    this.#settle(touched, found);
  }

  #reclassify(group: Group, found: Map<ClassId, PolicyClass>, touched: Set<ClassId>): void {
    const before = group.id;
    const after = group.size > 0 ? classOfEntries(this.#entries.inOrder(group.selectors), group.kind) : undefined;
    if (after === undefined) this.#removeGroup(group);
    if (before === after?.id) return;
    group.id = this.#ids[group.number] = after?.id;
    this.#classOf = undefined;
    if (before !== undefined) this.#share(before, -1, touched);
    if (after === undefined) return;
    found.set(after.id, after);
    this.#share(after.id, 1, touched);
  }

  #share(id: ClassId, more: 1 | -1, touched: Set<ClassId>): void {
    this.#shares.set(id, (this.#shares.get(id) ?? 0) + more);
    touched.add(id);
  }

  /** Classes stay the objects they were while somebody is of them. */
  #settle(touched: Iterable<ClassId>, found: ReadonlyMap<ClassId, PolicyClass>): void {
    const changes = new Map<ClassId, PolicyClass | undefined>();
    for (const id of touched) {
      const used = (this.#shares.get(id) ?? 0) > 0;
      if (!used) this.#shares.delete(id);
      changes.set(id, used ? (this.#classes.get(id) ?? found.get(id)) : undefined);
    }
    this.#classes = this.#classes.with(changes);
  }

  #removeGroup(group: Group): void {
    this.#groups.delete(group.key);
    this.#byNumber[group.number] = undefined;
    this.#free.push(group.number);
    for (const selector of group.selectors) this.#groupsOf.delete(selector, group);
  }
}

function numbersOf(asked: readonly Asked[]): readonly number[] {
  return asked.map(({ number }) => number).sort((a, b) => a - b);
}

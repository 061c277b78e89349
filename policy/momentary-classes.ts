import type { Entries } from "./entry-index.ts";
import { inOrder } from "./entry-index.ts";
import type { ClassId, PolicyClass } from "./placement.ts";
import { classOfEntries } from "./policy-class.ts";

/** All endpoints of one kind whom the same selectors of `applies` select. */
export interface Group {
  readonly kind: "pod" | "host";
  readonly selectors: readonly string[];
  /** Since which moment its entries are what they are. */
  since: number;
  /** Its class, made of the entries it had at the moment `since`. */
  latest?: { readonly since: number; readonly made: PolicyClass };
}

/**
 * The classes of a moment, each made when somebody asks for it: a node asks for those of its own pods, a packet for two, and another
 * rule in a policy for everybody gives a large cluster thousands of them. What comes later does not change them.
 */
export class MomentaryClasses implements ReadonlyMap<ClassId, PolicyClass> {
  readonly #moment: number;
  readonly #entries: Entries;
  readonly #groups: Iterable<Group>;
  readonly #ofGroup = new Map<Group, PolicyClass>();
  readonly #byId = new Map<ClassId, PolicyClass>();
  #isWhole = false;

  /** `groups` are those of the moment; one may come several times. */
  constructor(moment: number, entries: Entries, groups: Iterable<Group>) {
    this.#moment = moment;
    this.#entries = entries;
    this.#groups = groups;
  }

  of(group: Group): PolicyClass {
    const known = this.#ofGroup.get(group);
    if (known !== undefined) return known;
    const made = this.#make(group);
    // Groups of one class share it.
    const found = this.#byId.get(made.id) ?? made;
    this.#byId.set(found.id, found);
    this.#ofGroup.set(group, found);
    return found;
  }

  get size(): number {
    return this.#all().size;
  }

  /** Whoever asks has the id from an endpoint, so the class has been made. */
  get(id: ClassId): PolicyClass | undefined {
    return this.#byId.get(id) ?? this.#all().get(id);
  }

  has(id: ClassId): boolean {
    return this.get(id) !== undefined;
  }

  entries(): MapIterator<[ClassId, PolicyClass]> {
    return this.#all().entries();
  }

  keys(): MapIterator<ClassId> {
    return this.#all().keys();
  }

  values(): MapIterator<PolicyClass> {
    return this.#all().values();
  }

  [Symbol.iterator](): MapIterator<[ClassId, PolicyClass]> {
    return this.entries();
  }

  forEach(visit: (value: PolicyClass, key: ClassId, map: ReadonlyMap<ClassId, PolicyClass>) => void): void {
    for (const [id, found] of this) visit(found, id, this);
  }

  #make(group: Group): PolicyClass {
    const { latest, since } = group;
    const isOfNow = since <= this.#moment;
    if (isOfNow && latest?.since === since) return latest.made;
    const fresh = classOfEntries(inOrder(this.#entries, group.selectors), group.kind);
    const made = latest?.made.id === fresh.id ? latest.made : fresh;
    if (isOfNow) group.latest = { since, made };
    return made;
  }

  #all(): ReadonlyMap<ClassId, PolicyClass> {
    if (!this.#isWhole) for (const group of this.#groups) this.of(group);
    this.#isWhole = true;
    return this.#byId;
  }
}

import { Multimap } from "../core/multimap.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { Applicability } from "./program.ts";

/** An entry and its place among those of its stage. */
interface Placed {
  readonly entry: Applicability;
  readonly place: number;
}

/** The entries of a Program's `applies` by selector, as they were at a moment. */
export type Entries = ReadonlyMap<string, readonly Placed[]>;

/**
 * The entries of a Program's `applies` by selector, with their order, kept up to date entry by entry. Within a stage an entry has a
 * number between those of its neighbours, so that one that comes in between moves no other.
 */
export class EntryIndex {
  readonly #placed = new Map<Applicability, Placed>();
  readonly #bySelector = new Multimap<string, Placed>();
  /** Selectors whose entries `#current` does not have as they are. */
  readonly #changed = new Set<string>();
  #current = SortedMap.empty<string, readonly Placed[]>();

  /** Also moves an entry that is there already. */
  add(entry: Applicability, place: number): void {
    this.remove(entry);
    const placed = { entry, place };
    this.#placed.set(entry, placed);
    this.#bySelector.add(entry.selector, placed);
    this.#changed.add(entry.selector);
  }

  remove(entry: Applicability): void {
    const placed = this.#placed.get(entry);
    if (placed === undefined) return;
    this.#placed.delete(entry);
    this.#bySelector.delete(entry.selector, placed);
    this.#changed.add(entry.selector);
  }

  placeOf(entry: Applicability): number | undefined {
    return this.#placed.get(entry)?.place;
  }

  has(selector: string): boolean {
    return this.#bySelector.has(selector);
  }

  /** As it is now: what comes later does not change it. */
  current(): Entries {
    const changes = new Map<string, readonly Placed[] | undefined>();
    for (const selector of this.#changed)
      changes.set(selector, this.has(selector) ? [...this.#bySelector.get(selector)] : undefined);
    this.#changed.clear();
    this.#current = this.#current.with(changes);
    return this.#current;
  }
}

/** The entries of these selectors in their order. */
export function inOrder(entries: Entries, selectors: readonly string[]): readonly Applicability[] {
  const found: Placed[] = [];
  for (const selector of selectors) for (const placed of entries.get(selector) ?? []) found.push(placed);
  found.sort((a, b) => a.entry.stage - b.entry.stage || a.place - b.place);
  return found.map(({ entry }) => entry);
}

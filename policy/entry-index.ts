import { Multimap } from "../core/multimap.ts";
import type { Applicability } from "./program.ts";

interface Placed {
  readonly entry: Applicability;
  place: number;
}

/**
 * The entries of a Program's `applies` by selector, with their order, kept up to date entry by entry. Within a stage an entry has a
 * number between those of its neighbours, so that one that comes in between moves no other.
 */
export class EntryIndex {
  readonly #placed = new Map<Applicability, Placed>();
  readonly #bySelector = new Multimap<string, Placed>();

  /** Also moves an entry that is there already. */
  add(entry: Applicability, place: number): void {
    const known = this.#placed.get(entry);
    if (known !== undefined) {
      known.place = place;
      return;
    }
    const placed = { entry, place };
    this.#placed.set(entry, placed);
    this.#bySelector.add(entry.selector, placed);
  }

  remove(entry: Applicability): void {
    const placed = this.#placed.get(entry);
    if (placed === undefined) return;
    this.#placed.delete(entry);
    this.#bySelector.delete(entry.selector, placed);
  }

  placeOf(entry: Applicability): number | undefined {
    return this.#placed.get(entry)?.place;
  }

  has(selector: string): boolean {
    return this.#bySelector.has(selector);
  }

  /** The entries of these selectors in their order. */
  inOrder(selectors: readonly string[]): readonly Applicability[] {
    const found: Placed[] = [];
    for (const selector of selectors) for (const placed of this.#bySelector.get(selector)) found.push(placed);
    found.sort((a, b) => a.entry.stage - b.entry.stage || a.place - b.place);
    return found.map(({ entry }) => entry);
  }
}

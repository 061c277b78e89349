import { Multimap } from "../core/multimap.ts";
import type { Applicability } from "./program.ts";

/**
 * The entries of a Program's `applies` by selector, with their order, kept up to date entry by entry. Within a stage an entry has a
 * number between those of its neighbours, so that one that comes in between moves no other.
 */
export class EntryIndex {
  readonly #places = new Map<Applicability, number>();
  readonly #bySelector = new Multimap<string, Applicability>();

  /** Also moves an entry that is there already. */
  add(entry: Applicability, place: number): void {
    this.#places.set(entry, place);
    this.#bySelector.add(entry.selector, entry);
  }

  remove(entry: Applicability): void {
    this.#places.delete(entry);
    this.#bySelector.delete(entry.selector, entry);
  }

  placeOf(entry: Applicability): number | undefined {
    return this.#places.get(entry);
  }

  has(selector: string): boolean {
    return this.#bySelector.has(selector);
  }

  /** The entries of these selectors in their order. */
  inOrder(selectors: readonly string[]): readonly Applicability[] {
    const found: Applicability[] = [];
    for (const selector of selectors) for (const entry of this.#bySelector.get(selector)) found.push(entry);
    const place = (entry: Applicability) => this.#places.get(entry) as number;
    return found.sort((a, b) => a.stage - b.stage || place(a) - place(b));
  }
}

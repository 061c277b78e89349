import { Multimap } from "../core/multimap.ts";
import { type LabelKey, requiredKeys } from "./selector/required.ts";
import type { Labels, Selector } from "./selector/syntax.ts";

interface Indexed {
  readonly selector: Selector;
}

/**
 * Selectors by a label that they ask for, so that an endpoint is asked about few of them: with 14,000 selectors in 500 namespaces
 * about fifty.
 */
export class SelectorIndex<T extends Indexed> {
  /** By label, then by value; null for those that ask for any. */
  readonly #byLabel = new Map<string, Multimap<string | null, T>>();
  /** Those that ask for no label. */
  readonly #others = new Set<T>();
  /** Where each stands, as which way is the cheapest changes over time. */
  readonly #keys = new Map<T, readonly LabelKey[]>();

  /** Tells by which labels it is found: none if it asks for none. */
  add(item: T): readonly LabelKey[] {
    const keys = requiredKeys(item.selector, (some) => this.#cost(some));
    if (keys === undefined) this.#others.add(item);
    else this.#keys.set(item, keys);
    for (const { label, value } of keys ?? []) {
      const values = this.#byLabel.get(label) ?? new Multimap<string | null, T>();
      this.#byLabel.set(label, values);
      values.add(value, item);
    }
    return keys ?? [];
  }

  remove(item: T): void {
    this.#others.delete(item);
    for (const { label, value } of this.#keys.get(item) ?? []) this.#byLabel.get(label)?.delete(value, item);
    this.#keys.delete(item);
  }

  /** Calls with every item that may select somebody with these labels, with some of them twice. */
  visit(labels: Labels, each: (item: T) => void): void {
    this.#others.forEach(each);
    for (const label of Object.keys(labels)) {
      const values = this.#byLabel.get(label);
      if (values === undefined) continue;
      for (const item of values.get(labels[label] as string)) each(item);
      for (const item of values.get(null)) each(item);
    }
  }

  /**
   * What share of endpoints has one of these, as a guess: the more values of a label others ask for, the more it seems to have. Hence
   * most selectors stand by their namespace.
   */
  #cost(keys: readonly LabelKey[]): number {
    const costOf = ({ label, value }: LabelKey) =>
      value === null ? 1 : 1 / (1 + (this.#byLabel.get(label)?.size ?? 0));
    return keys.reduce((sum, key) => sum + costOf(key), 0);
  }
}

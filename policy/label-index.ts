import { Multimap } from "../core/multimap.ts";
import { type LabelKey, requiredKeys } from "./selector/required.ts";
import type { Labels, Selector } from "./selector/syntax.ts";

interface Labelled {
  readonly labels: Labels;
}

/**
 * Who has which label, so that of a new selector only those are asked who may satisfy it. A label is indexed from when a selector
 * first asks for it: most labels nobody ever asks for.
 */
export class LabelIndex<T extends Labelled> {
  readonly #all = new Set<T>();
  readonly #byLabel = new Map<string, Multimap<string, T>>();

  add(item: T): void {
    this.#all.add(item);
    for (const [label, values] of this.#byLabel) addTo(values, label, item);
  }

  /** With the labels that it had when it was added. */
  remove(item: T): void {
    this.#all.delete(item);
    for (const [label, values] of this.#byLabel)
      if (Object.hasOwn(item.labels, label)) values.delete(item.labels[label] as string, item);
  }

  /** Gets ready to be asked for this label: costs a look at everybody, so best done before they come. */
  prepare(label: string): void {
    if (this.#all.size === 0) this.#valuesOf(label);
  }

  /** All that the selector may select, and perhaps more; some perhaps twice. */
  *candidates(selector: Selector): Iterable<T> {
    if (this.#all.size === 0) return;
    const keys = requiredKeys(selector, (some) => this.#cost(some));
    if (keys === undefined) return yield* this.#all;
    for (const { label, value } of keys) {
      const values = this.#valuesOf(label);
      if (value !== null) yield* values.get(value);
      else yield* values.values();
    }
  }

  /** How many there are. A label that is not indexed yet costs a look at everybody, once: worth it where the others find many. */
  #cost(keys: readonly LabelKey[]): number {
    const costOf = ({ label, value }: LabelKey) => {
      const values = this.#byLabel.get(label);
      if (values === undefined) return this.#all.size / 100;
      return value === null ? this.#all.size : values.count(value);
    };
    return keys.reduce((sum, key) => sum + costOf(key), 0);
  }

  #valuesOf(label: string): Multimap<string, T> {
    const known = this.#byLabel.get(label);
    if (known !== undefined) return known;
    const values = new Multimap<string, T>();
    for (const item of this.#all) addTo(values, label, item);
    this.#byLabel.set(label, values);
    return values;
  }
}

function addTo<T extends Labelled>(values: Multimap<string, T>, label: string, item: T): void {
  if (Object.hasOwn(item.labels, label)) values.add(item.labels[label] as string, item);
}

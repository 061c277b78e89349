import { SortedMap } from "../core/sorted-map.ts";

/** Parts of a Program that many policies may share, by their ids: each is there for as long as some policy has it. */
export class SharedParts<K extends string, V> {
  readonly #counts = new Map<K, number>();
  readonly #changes = new Map<K, V | undefined>();
  #current = SortedMap.empty<K, V>();

  add(parts: ReadonlyMap<K, V>): void {
    for (const [id, part] of parts) {
      const count = this.#counts.get(id) ?? 0;
      this.#counts.set(id, count + 1);
      if (count === 0) this.#changes.set(id, this.#current.get(id) ?? part);
    }
  }

  remove(parts: ReadonlyMap<K, V>): void {
    for (const id of parts.keys()) {
      const count = (this.#counts.get(id) ?? 0) - 1;
      if (count > 0) this.#counts.set(id, count);
      else {
        this.#counts.delete(id);
        this.#changes.set(id, undefined);
      }
    }
  }

  /** What there is now, and the ids that came or went since this was last asked. */
  take(): { readonly current: SortedMap<K, V>; readonly changed: ReadonlySet<K> } {
    const before = this.#current;
    this.#current = before.with(this.#changes);
    const changed = new Set([...this.#changes.keys()].filter((id) => before.has(id) !== this.#current.has(id)));
    this.#changes.clear();
    return { current: this.#current, changed };
  }
}

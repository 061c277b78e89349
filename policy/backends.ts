import { Multimap } from "../core/multimap.ts";
import type { EndpointSlice } from "./kinds/endpoint-slice.ts";
import type { Backend } from "./service.ts";

/** What stands behind each Service, kept up to date slice by slice. */
export class Backends {
  readonly #slices = new Map<string, EndpointSlice>();
  /** By `serviceKey`, the keys of its slices. */
  readonly #slicesOf = new Multimap<string, string>();
  readonly #stale = new Set<string>();

  /** The slice of that key as it is now, or undefined: it is gone. */
  put(key: string, slice: EndpointSlice | undefined): void {
    const before = this.#slices.get(key)?.service ?? null;
    const after = slice?.service ?? null;
    if (before !== null) this.#slicesOf.delete(before, key);
    if (after !== null) this.#slicesOf.add(after, key);
    if (slice === undefined) this.#slices.delete(key);
    else this.#slices.set(key, slice);
    for (const service of [before, after]) if (service !== null) this.#stale.add(service);
  }

  /** Services that have changed since this was last asked; undefined is gone. */
  take(): ReadonlyMap<string, readonly Backend[] | undefined> {
    const changes = [...this.#stale].map((service) => [service, this.#of(service)] as const);
    this.#stale.clear();
    return new Map(changes);
  }

  #of(service: string): readonly Backend[] | undefined {
    if (!this.#slicesOf.has(service)) return undefined;
    return [...this.#slicesOf.get(service)].sort().flatMap((key) => this.#slices.get(key)?.backends ?? []);
  }
}

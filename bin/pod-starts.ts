import type { Address } from "../core/address.ts";
import { keyOf } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import { fieldAt, microsecondsAt } from "../enrichers/fields.ts";
import { podFactsOf } from "../enrichers/pod-facts.ts";

interface Start {
  readonly key: string;
  /** Wall time, milliseconds. */
  readonly at: number;
}

/** Since when the pods of some nodes run, by their addresses, as their objects say. Of an address that is used again, the newest. */
export class PodStarts {
  readonly #nodes: ReadonlySet<unknown>;
  readonly #starts = new Map<Address, Start>();
  readonly #addresses = new Map<string, readonly Address[]>();

  constructor(nodes: readonly string[]) {
    this.#nodes = new Set(nodes);
  }

  follow(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === "synced" || change.object.kind !== "Pod") continue;
      const { object } = change;
      const key = keyOf(object);
      this.#forget(key);
      const start = microsecondsAt(object, "status", "startTime");
      const isHere = this.#nodes.has(fieldAt(object, "spec", "nodeName"));
      if (change.type === "delete" || start === null || !isHere) continue;
      const { addresses } = podFactsOf(object);
      this.#addresses.set(key, addresses);
      for (const address of addresses) this.#take(address, { key, at: start / 1000 });
    }
  }

  startOf(address: Address): number | undefined {
    return this.#starts.get(address)?.at;
  }

  #take(address: Address, start: Start): void {
    if (start.at >= (this.#starts.get(address)?.at ?? 0)) this.#starts.set(address, start);
  }

  #forget(key: string): void {
    for (const address of this.#addresses.get(key) ?? [])
      if (this.#starts.get(address)?.key === key) this.#starts.delete(address);
    this.#addresses.delete(key);
  }
}

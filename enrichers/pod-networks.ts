import type { Address, Cidr } from "../core/address.ts";
import { PrefixTable } from "../core/prefix-table.ts";

/** Which addresses are of pods, whoever has them: the pod CIDRs of all nodes and those that were configured. */
export class PodNetworks {
  readonly #configured: readonly Cidr[];
  readonly #ofNodes = new Map<string, readonly Cidr[]>();
  #table: PrefixTable<true>;

  constructor(configured: readonly Cidr[] = []) {
    this.#configured = configured;
    this.#table = this.#build();
  }

  /** Sets what a node has; an empty list when it is gone. */
  set(node: string, cidrs: readonly Cidr[]): void {
    const before = this.#ofNodes.get(node) ?? [];
    if (before.map(({ text }) => text).join() === cidrs.map(({ text }) => text).join()) return;
    if (cidrs.length === 0) this.#ofNodes.delete(node);
    else this.#ofNodes.set(node, cidrs);
    this.#table = this.#build();
  }

  has(address: Address): boolean {
    return this.#table.lookup(address) === true;
  }

  #build(): PrefixTable<true> {
    const table = new PrefixTable<true>();
    for (const cidr of [...this.#configured, ...[...this.#ofNodes.values()].flat()]) table.set(cidr, true);
    return table;
  }
}

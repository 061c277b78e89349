import { type Address, addressValue, type Cidr, type Family, familyOf, widthOf } from "./address.ts";

/**
 * Longest-prefix match: which of many CIDRs holds an address most narrowly.
 * One hash table per prefix length in use, probed from the longest; a cluster uses few lengths.
 */
export class PrefixTable<T> {
  readonly #lengths: Record<Family, number[]> = { 4: [], 6: [] };
  readonly #tables = new Map<string, Map<bigint, T>>();

  /** Adds or replaces the value of a CIDR. */
  set(cidr: Cidr, value: T): void {
    const key = `${cidr.family}/${cidr.bits}`;
    const table = this.#tables.get(key) ?? new Map<bigint, T>();
    if (table.size === 0) {
      this.#tables.set(key, table);
      this.#lengths[cidr.family] = [...this.#lengths[cidr.family], cidr.bits].sort((a, b) => b - a);
    }
    table.set(cidr.base, value);
  }

  /** The value of the longest prefix that holds the address. */
  lookup(address: Address): T | undefined {
    const family = familyOf(address);
    if (this.#lengths[family].length === 0) return undefined;
    const value = addressValue(address);
    for (const bits of this.#lengths[family]) {
      const host = BigInt(widthOf(family) - bits);
      const found = this.#tables.get(`${family}/${bits}`)?.get((value >> host) << host);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

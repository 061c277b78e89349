import { type Address, addressValue, type Cidr, type Family, familyOf, widthOf } from "./address.ts";

/** The prefixes of one length. */
interface Level<T> {
  readonly bits: number;
  /** Length of the rest, by which an address is shifted to be a key. */
  readonly host: bigint;
  readonly values: Map<bigint, T>;
}

/**
 * Longest-prefix match: which of many CIDRs holds an address most narrowly.
 * One hash table per prefix length in use, probed from the longest; a cluster uses few lengths.
 */
export class PrefixTable<T> {
  readonly #levels: Record<Family, Level<T>[]> = { 4: [], 6: [] };

  /** Adds or replaces the value of a CIDR. */
  set(cidr: Cidr, value: T): void {
    const level = this.#levelOf(cidr);
    level.values.set(cidr.base >> level.host, value);
  }

  /** The value of the longest prefix that holds the address. */
  lookup(address: Address): T | undefined {
    const family = familyOf(address);
    const levels = this.#levels[family];
    if (levels.length === 0) return undefined;
    const value = addressValue(address);
    for (const { host, values } of levels) {
      const found = values.get(value >> host);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #levelOf({ family, bits }: Cidr): Level<T> {
    const levels = this.#levels[family];
    const present = levels.find((level) => level.bits === bits);
    if (present !== undefined) return present;
    const level = { bits, host: BigInt(widthOf(family) - bits), values: new Map<bigint, T>() };
    levels.push(level);
    levels.sort((a, b) => b.bits - a.bits);
    return level;
  }
}

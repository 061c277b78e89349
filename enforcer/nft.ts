import type { Element } from "./element.ts";
import type { Name, Transaction } from "./ruleset.ts";

/**
 * nftables of one network namespace. Implementations: nft-library.ts, nft-program.ts, and a fake in memory for tests; all
 * pass test/enforcer/nft.contract.ts. What nft refuses is NFT_FAILED with its own words and the line concerned.
 */
export interface Nft {
  /** What there is of our table now, undefined if there is no such table. Slow with many rules: never on the hot path. */
  list(): Promise<Inventory | undefined>;
  /** Whether `apply` would succeed; changes nothing. */
  check(transaction: Transaction): Promise<void>;
  /** Carries out all of it, or nothing. Our table is named nowhere but in text.ts, so no other can be touched. */
  apply(transaction: Transaction): Promise<void>;
  /**
   * Makes our table what the last `apply` left, whatever became of it, and carries out `more`, all at once. Much faster than to have
   * all of it told again; false, and nothing is done, where that is not known. Elements that end by themselves are not put back.
   */
  rewrite(more: Transaction): Promise<boolean>;
}

/** Enough of a table to tell whether it is ours and whole: names, elements, and how many rules a chain has. */
export interface Inventory {
  readonly sets: ReadonlyMap<Name, ReadonlySet<Element>>;
  readonly maps: ReadonlyMap<Name, ReadonlySet<Element>>;
  /** Names of the named counters. */
  readonly counters: ReadonlySet<Name>;
  readonly chains: ReadonlyMap<Name, number>;
}

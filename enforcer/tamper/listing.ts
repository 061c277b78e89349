/** What others have in nftables of one network namespace. Slow with many rules: by a process of its own (nft-program.ts). */
export interface Listing {
  /** All tables as JSON (libnftables-json(5)). */
  all(): Promise<string>;
}

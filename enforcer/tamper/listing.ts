/** What others have in nftables of one network namespace, for reading only. nft-library.ts and nft-program.ts implement it. */
export interface Listing {
  /** A chain of our table in nft's words with handles; undefined if there is no such chain. */
  chain(name: string): Promise<string | undefined>;
  /** All tables as JSON (libnftables-json(5)). Slow with many rules: by a process of its own. */
  all(): Promise<string>;
}

/** The rules in what `chain` printed, by handle: `ip saddr 10.0.0.0/8 accept # handle 7`. */
export function ruleTexts(listing: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const line of listing.split("\n")) {
    const [, text, handle] = /^\s*(.*) # handle (\d+)$/.exec(line) ?? [];
    if (text !== undefined && handle !== undefined && !text.endsWith("{")) found.set(Number(handle), text);
  }
  return found;
}

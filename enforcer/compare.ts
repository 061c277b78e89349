import type { Clock } from "../core/clock.ts";
import { diff } from "./diff.ts";
import { flagsListing, type Listing, listingOf, sizeOf, type TableSize } from "./listing.ts";
import { compareListings, type ListingDifference } from "./listing-diff.ts";
import type { NftAccess } from "./nft-open.ts";
import type { Ruleset } from "./ruleset.ts";
import { openScratch } from "./scratch.ts";

export interface Comparison {
  /** False: there is no table of ours at all. */
  readonly loaded: boolean;
  readonly differences: readonly ListingDifference[];
  /** Of what is wanted, as the kernel counts it. */
  readonly size: ReturnType<typeof sizeOf>;
  readonly ms: number;
}

/**
 * Whether a network namespace (null: our own) has exactly this ruleset. The kernel is asked twice: what is wanted goes into a
 * namespace made for it, and both tables are read back. If they are not the same byte for byte, nft prints both; so of what we wrote
 * nothing is believed, and what differs is told in nft's words.
 */
export async function compareWithKernel(
  access: NftAccess,
  ruleset: Ruleset,
  namespace: string | null,
  clock: Clock,
): Promise<Comparison> {
  const started = clock.monotonic();
  return inScratch(access, ruleset, async (scratch) => {
    const size = await access.twins(scratch, namespace);
    const found = size === undefined ? await compareByNft(access, scratch, namespace) : twins(size);
    return { ...found, ms: clock.monotonic() - started };
  });
}

type Found = Omit<Comparison, "ms">;

const twins = (size: TableSize): Found => ({ loaded: true, differences: [], size });

/** While the kernel makes room in a set a listing may lack elements (rhashtable_walk_next), so what is missing is looked for again. */
async function compareByNft(access: NftAccess, scratch: string, namespace: string | null): Promise<Found> {
  let found = await listBoth(access, scratch, namespace);
  for (let again = 0; again < mostLooks && found.differences.some(isOfElements); again++) {
    const before = found.differences.map(({ key }) => key).join();
    found = await listBoth(access, scratch, namespace);
    if (found.differences.map(({ key }) => key).join() === before) break;
  }
  return found;
}

const mostLooks = 3;
const isOfElements = ({ key, what }: ListingDifference) => what === "changed" && /^(set|map) /.test(key);

async function listBoth(access: NftAccess, scratch: string, namespace: string | null): Promise<Found> {
  const wanted = (await listingIn(access, scratch)) ?? nothing;
  const found = await listingIn(access, namespace);
  const same = compareListings(wanted, found ?? nothing).length === 0;
  const differences = same ? [] : await differencesInWords(access, scratch, namespace);
  return { loaded: found !== undefined, differences, size: sizeOf(wanted) };
}

/** To print rules for people takes as long again, so only where there is something to tell. */
async function differencesInWords(
  access: NftAccess,
  scratch: string,
  namespace: string | null,
): Promise<readonly ListingDifference[]> {
  const wanted = (await listingIn(access, scratch, true)) ?? nothing;
  const found = (await listingIn(access, namespace, true)) ?? nothing;
  const differences = compareListings(wanted, found);
  // Of a table that sleeps nothing more is known than that it does.
  const sleeps = found.size === 1 && found.has("table");
  return sleeps ? differences.filter(({ key }) => key === "table") : differences;
}

/** How nft lists a ruleset that was written from nothing. */
export function listingInScratch(access: NftAccess, ruleset: Ruleset): Promise<Listing> {
  return inScratch(access, ruleset, async (scratch) => (await listingIn(access, scratch)) ?? nothing);
}

const nothing: Listing = new Map();

async function inScratch<T>(access: NftAccess, ruleset: Ruleset, work: (path: string) => Promise<T>): Promise<T> {
  const scratch = await openScratch();
  try {
    await access.in(scratch.path).apply(diff(undefined, ruleset));
    return await work(scratch.path);
  } finally {
    await scratch.close();
  }
}

async function listingIn(access: NftAccess, namespace: string | null, withWords = false): Promise<Listing | undefined> {
  const json = await access.print(namespace, "json");
  if (json === undefined) return undefined;
  try {
    return listingOf(json, withWords ? await access.print(namespace, "text") : undefined);
  } catch (thrown) {
    const flags = flagsListing((await access.print(namespace, "text")) ?? "");
    if (flags === undefined) throw thrown;
    return flags;
  }
}

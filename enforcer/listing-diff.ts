import type { ListedItem, ListedObject, Listing } from "./listing.ts";

/** One object that is not as it is wanted. */
export interface ListingDifference {
  /** `chain egress_forward` */
  readonly key: string;
  /** `missing`: wanted and not there; `foreign`: there and not wanted. */
  readonly what: "missing" | "foreign" | "changed";
  /** For `changed`, what of its declaration differs (as a hook or a flag); null if only the content does. */
  readonly header: { readonly wanted: string; readonly found: string } | null;
  /** All there is to add and to remove, in order. */
  readonly lines: readonly DifferenceLine[];
}

/** `+` is wanted and not there, `-` is there and not wanted. */
export interface DifferenceLine {
  readonly sign: "+" | "-";
  readonly words: string;
  /** Of rules: which of its chain, from 0, as wanted for `+` and as found for `-`; null for elements. */
  readonly at: number | null;
}

/** What `found` would have to become `wanted`, object by object, sorted; nothing if they are the same. */
export function compareListings(wanted: Listing, found: Listing): readonly ListingDifference[] {
  const keys = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return keys.flatMap((key) => differenceOf(key, wanted.get(key), found.get(key)));
}

function differenceOf(
  key: string,
  wanted: ListedObject | undefined,
  found: ListedObject | undefined,
): readonly ListingDifference[] {
  const ordered = key.startsWith("chain ");
  const lines = (ordered ? orderedLines : elementLines)(wanted?.items ?? [], found?.items ?? []);
  if (found === undefined) return [{ key, what: "missing", header: null, lines }];
  if (wanted === undefined) return [{ key, what: "foreign", header: null, lines }];
  const sameHeader = wanted.header === found.header;
  if (sameHeader && lines.length === 0) return [];
  const header = sameHeader ? null : { wanted: wanted.header, found: found.header };
  return [{ key, what: "changed", header, lines }];
}

function elementLines(wanted: readonly ListedItem[], found: readonly ListedItem[]): readonly DifferenceLine[] {
  const [wantedTexts, foundTexts] = [wanted, found].map((items) => new Set(items.map(({ text }) => text)));
  const gone = found.filter(({ text }) => wantedTexts?.has(text) !== true);
  const fresh = wanted.filter(({ text }) => foundTexts?.has(text) !== true);
  return [
    ...gone.map(({ words }): DifferenceLine => ({ sign: "-", words, at: null })),
    ...fresh.map(({ words }): DifferenceLine => ({ sign: "+", words, at: null })),
  ];
}

/** The same of two lists of rules as nft prints them for people. */
export function compareRules(wanted: readonly string[], found: readonly string[]): readonly DifferenceLine[] {
  const items = (words: readonly string[]) => words.map((each) => ({ text: each, words: each }));
  return orderedLines(items(wanted), items(found));
}

/** What differs between a common beginning and a common end; within that, the fewest lines. */
function orderedLines(wanted: readonly ListedItem[], found: readonly ListedItem[]): readonly DifferenceLine[] {
  let start = 0;
  while (start < wanted.length && start < found.length && wanted[start]?.text === found[start]?.text) start++;
  let [wantedEnd, foundEnd] = [wanted.length, found.length];
  while (wantedEnd > start && foundEnd > start && wanted[wantedEnd - 1]?.text === found[foundEnd - 1]?.text) {
    wantedEnd--;
    foundEnd--;
  }
  return middleLines(wanted.slice(start, wantedEnd), found.slice(start, foundEnd), start);
}

/** Longer middles than this, multiplied, are told as all old and all new: the table below would not fit. */
const maxCells = 4_000_000;

function middleLines(
  wanted: readonly ListedItem[],
  found: readonly ListedItem[],
  offset: number,
): readonly DifferenceLine[] {
  const common = wanted.length * found.length > maxCells ? undefined : commonLengths(wanted, found);
  const lines: DifferenceLine[] = [];
  let [w, f] = [0, 0];
  while (w < wanted.length || f < found.length) {
    const [ours, theirs] = [wanted[w], found[f]];
    if (common !== undefined && ours !== undefined && ours.text === theirs?.text) {
      w++;
      f++;
    } else if (theirs !== undefined && (ours === undefined || common === undefined || prefersFound(common, w, f))) {
      lines.push({ sign: "-", words: theirs.words, at: offset + f++ });
    } else if (ours !== undefined) lines.push({ sign: "+", words: ours.words, at: offset + w++ });
  }
  return lines;
}

type Lengths = readonly Uint16Array[];

const prefersFound = (common: Lengths, w: number, f: number) => (common[w]?.[f + 1] ?? 0) >= (common[w + 1]?.[f] ?? 0);

/** Of the longest common subsequence of what begins at w and f. */
function commonLengths(wanted: readonly ListedItem[], found: readonly ListedItem[]): Lengths {
  const lengths = Array.from({ length: wanted.length + 1 }, () => new Uint16Array(found.length + 1));
  const at = (w: number, f: number) => lengths[w]?.[f] ?? 0;
  for (let w = wanted.length - 1; w >= 0; w--)
    for (let f = found.length - 1; f >= 0; f--) {
      const same = wanted[w]?.text === found[f]?.text;
      (lengths[w] as Uint16Array)[f] = same ? at(w + 1, f + 1) + 1 : Math.max(at(w + 1, f), at(w, f + 1));
    }
  return lengths;
}

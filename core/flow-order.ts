import type { Count, Pair } from "./flow-store.ts";

/** The order in which a store tells pairs: most bytes first. */
export function comparePairs(a: Pair, b: Pair): number {
  const ends = compareTexts(a.source, b.source) || compareTexts(a.destination, b.destination);
  const rest = a.protocol - b.protocol || a.port - b.port || compareTexts(a.verdict, b.verdict);
  return b.bytes - a.bytes || b.connections - a.connections || ends || rest;
}

/** The order in which a store tells the values of a field: most connections first. */
export function compareCounts(a: Count, b: Count): number {
  return b.connections - a.connections || b.bytes - a.bytes || compareTexts(a.value, b.value);
}

/** By code points, as UTF-8 sorts, which stores go by; `<` goes by UTF-16. */
function compareTexts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

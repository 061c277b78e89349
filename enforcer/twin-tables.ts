import { SluiceError } from "../core/errors.ts";
import { type DumpedElements, type DumpedTable, dumpElements, dumpTable } from "../core/netlink/nft-dump.ts";
import type { NetlinkSocket } from "../core/netlink/socket.ts";
import type { TableSize } from "./listing.ts";
import { tableFamily, tableName } from "./text.ts";

/**
 * How much is in our table if two namespaces hold the same, as far as rules go: byte by byte what the kernel tells, less what it has
 * counted and numbered. Undefined if not, or if one of them changed meanwhile: what differs is for nft to tell. That reads 250,000
 * elements in a twentieth of the time that nft takes to print them.
 */
export function twinTables(one: NetlinkSocket, other: NetlinkSocket): TableSize | undefined {
  try {
    return compared(one, other);
  } catch (thrown) {
    // A table that is not there, or goes while it is read.
    if (thrown instanceof SluiceError && thrown.code === "NETLINK_FAILED") return undefined;
    throw thrown;
  }
}

function compared(one: NetlinkSocket, other: NetlinkSocket): TableSize | undefined {
  const [a, b] = [dumpTable(one, tableName, tableFamily), dumpTable(other, tableName, tableFamily)];
  if (a === undefined || b === undefined || !haveSameObjects(a, b)) return undefined;
  let elements = 0;
  for (const set of a.sets) {
    const count = sameElements(
      dumpElements(one, tableName, tableFamily, set),
      dumpElements(other, tableName, tableFamily, set),
    );
    if (count === undefined) return undefined;
    elements += count;
  }
  return { rules: a.counts.rule, sets: a.counts.set, elements, counters: a.counts.object };
}

function haveSameObjects(a: DumpedTable, b: DumpedTable): boolean {
  if (a.objects.size !== b.objects.size) return false;
  for (const [key, texts] of a.objects) {
    const found = b.objects.get(key);
    if (found?.length !== texts.length || texts.some((text, at) => text !== found[at])) return false;
  }
  return true;
}

/** How many they are; undefined if they are not the same. */
function sameElements(a: DumpedElements | undefined, b: DumpedElements | undefined): number | undefined {
  if (a === undefined || a.texts.length !== b?.texts.length) return undefined;
  // Each is taken out once, so that one that is told twice does not stand for another.
  const wanted = new Set(a.texts);
  const isSame = wanted.size === a.texts.length && b.texts.every((element) => wanted.delete(element));
  return isSame ? a.texts.length - a.ends : undefined;
}

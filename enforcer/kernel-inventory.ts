import { SluiceError } from "../core/errors.ts";
import { Attributes } from "../core/netlink/attributes.ts";
import { messageFlag } from "../core/netlink/message.ts";
import { MessageWriter } from "../core/netlink/message-writer.ts";
import {
  netfilterFamily,
  netfilterHeader,
  netfilterHeaderBytes,
  netfilterType,
  subsystem,
} from "../core/netlink/netfilter.ts";
import { dumpCounters } from "../core/netlink/nft-counters.ts";
import { decodeNftEvent, type NftElement } from "../core/netlink/nft-event.ts";
import type { NetlinkSocket, Visit } from "../core/netlink/socket.ts";
import { typesOf } from "./element-key.ts";
import type { PackedInventory } from "./packed-inventory.ts";
import { type DataType, type Name, nameOf } from "./ruleset.ts";
import { elementOfKey, intervalsOfKeys, intervalToLast } from "./tamper/element-of-key.ts";
import { tableFamily, tableName } from "./text.ts";

// What the kernel tells of our table when it is asked, include/uapi/linux/netfilter/nf_tables.h. libnftables takes seconds and half a
// gigabyte to print 10,000 rules and 250,000 elements; this a tenth, and the memory of one set.
//
// table => 1:name 2:flags u32be                       NFTA_TABLE_*
// set   => 1:table 2:name 3:flags u32be 4:type u32be  NFTA_SET_*
const ask = { tables: 1, chains: 4, rules: 7, sets: 10, elements: 13 } as const;
const sleeps = 1;
const setFlag = { anonymous: 0x1, interval: 0x4, map: 0x8, object: 0x40 } as const;

/** Null if there is no table of ours; undefined if it changed while it was read. DECODE_FAILED if it is not as we make one. */
export function kernelInventory(socket: NetlinkSocket): PackedInventory | null | undefined {
  try {
    return inventory(socket);
  } catch (thrown) {
    if (thrown === changed) return undefined;
    throw thrown;
  }
}

/** Thrown from within. */
const changed = new Error("the table changed while it was read");

function inventory(socket: NetlinkSocket): PackedInventory | null {
  const flags = flagsOfTable(socket);
  if (flags === undefined) return null;
  if ((flags & sleeps) !== 0) throw new SluiceError("DECODE_FAILED", "our table sleeps: somebody set its flag dormant");
  const chains = new Map<Name, number>();
  const count = (name: string, more: number) => chains.set(nameOf(name), (chains.get(nameOf(name)) ?? 0) + more);
  dump(socket, "chains", ask.chains, (bytes, message) => {
    const event = decodeNftEvent(bytes, message);
    if (event?.what === "chain" && isOurs(event)) count(event.name, 0);
  });
  dump(socket, "rules", ask.rules, (bytes, message) => {
    const event = decodeNftEvent(bytes, message);
    if (event?.what === "rule" && isOurs(event)) count(event.chain, 1);
  });
  const [sets, maps] = [new Map<Name, string>(), new Map<Name, string>()];
  for (const set of setsOfTable(socket))
    (set.isMap ? maps : sets).set(nameOf(set.name), elementsOf(socket, set).join("\n"));
  return { sets, maps, chains, counters: [...dumpCounters(socket).keys()].map(nameOf) };
}

function flagsOfTable(socket: NetlinkSocket): number | undefined {
  let found: number | undefined;
  dump(socket, "tables", ask.tables, (bytes, { start, end }) => {
    let [name, flags] = ["", 0];
    const a = new Attributes("nftables table", bytes, start + netfilterHeaderBytes, end);
    while (a.next())
      if (a.type === 1) name = a.text();
      else if (a.type === 2) flags = a.u32be();
    a.finish();
    if (name === tableName && bytes[start] === netfilterFamily[tableFamily]) found = flags;
  });
  return found;
}

interface Found {
  readonly name: string;
  readonly isMap: boolean;
  readonly isInterval: boolean;
  /** Undefined: it is none of ours. */
  readonly types: readonly DataType[] | undefined;
}

/** Those that have a name: what rules hold in themselves goes with them. */
function setsOfTable(socket: NetlinkSocket): readonly Found[] {
  const sets: Found[] = [];
  dump(socket, "sets", ask.sets, (bytes, { start, end }) => {
    let [table, name, flags, keyType] = ["", "", 0, 0];
    const a = new Attributes("nftables set", bytes, start + netfilterHeaderBytes, end);
    while (a.next())
      if (a.type === 1) table = a.text();
      else if (a.type === 2) name = a.text();
      else if (a.type === 3) flags = a.u32be();
      else if (a.type === 4) keyType = a.u32be();
    a.finish();
    if (table !== tableName || (flags & setFlag.anonymous) !== 0) return;
    const isMap = (flags & (setFlag.map | setFlag.object)) !== 0;
    sets.push({ name, isMap, isInterval: (flags & setFlag.interval) !== 0, types: typesOf(keyType) });
  });
  return sets;
}

function elementsOf(socket: NetlinkSocket, { name, isInterval, types = [] }: Found): readonly string[] {
  const texts: string[] = [];
  const intervals: NftElement[] = [];
  const [only] = types;
  const visit: Visit = (bytes, message) => {
    const event = decodeNftEvent(bytes, message);
    if (event?.what !== "elements" || event.set !== name) return;
    if (isInterval) intervals.push(...event.elements);
    else for (const { key } of event.elements) texts.push(elementOfKey(key, types) ?? Buffer.from(key).toString("hex"));
  };
  dump(socket, `elements of ${name}`, ask.elements, visit, name);
  return isInterval && only !== undefined ? intervalTexts(intervals, only) : texts;
}

function intervalTexts(elements: readonly NftElement[], type: DataType): readonly string[] {
  const [first, ...others] = elements;
  if (first === undefined) return [];
  const last = others.reduce((a, b) => (Buffer.compare(a.key, b.key) < 0 ? b : a), first);
  const text = last.isEnd ? undefined : intervalToLast(last, type);
  if (text === undefined) return intervalsOfKeys(elements, type);
  return [
    ...intervalsOfKeys(
      elements.filter((one) => one !== last),
      type,
    ),
    text,
  ];
}

function isOurs({ family, table }: { readonly family: number; readonly table: string }): boolean {
  return table === tableName && family === netfilterFamily[tableFamily];
}

/** `name` is that of a set. */
function dump(socket: NetlinkSocket, what: string, type: number, visit: Visit, name?: string): void {
  const message = new MessageWriter(
    netfilterType(subsystem.nftables, type),
    messageFlag.request | messageFlag.dump,
  ).raw(netfilterHeader(netfilterFamily[tableFamily]));
  if (type !== ask.tables) message.text(1, tableName);
  if (name !== undefined) message.text(2, name);
  if (socket.dump(`nftables ${what}`, message, visit)) throw changed;
}

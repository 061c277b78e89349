import { SluiceError } from "../errors.ts";
import { Attributes } from "./attributes.ts";
import { messageFlag } from "./message.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterHeaderBytes, netfilterType, subsystem } from "./netfilter.ts";
import type { NetlinkSocket } from "./socket.ts";

// All that a table of nf_tables holds, as the kernel tells it, include/uapi/linux/netfilter/nf_tables.h. Of the attributes of each
// kind those are left out that count, number, or say how something is stored; whatever else there is, known to us or not, is kept.
//
// kind => the message that asks for all of them; the attribute with its table, and the one with its name; what is left out
//   table: handle, use      chain: handle, use, counters      rule: handle, position      set: room, id, handle, kind of table, count
//   object: value, use, handle
const kinds = {
  table: { ask: 1, table: 1, name: 1, without: [3, 4] },
  chain: { ask: 4, table: 1, name: 3, without: [2, 6, 8] },
  rule: { ask: 7, table: 1, name: 2, without: [3, 6] },
  set: { ask: 10, table: 1, name: 2, without: [9, 10, 16, 17, 18] },
  object: { ask: 19, table: 1, name: 2, without: [4, 5, 6] },
  flowtable: { ask: 23, table: 1, name: 2, without: [5, 7] },
} as const;
const askElements = 13;
const elementList = 3;
const elementFlags = 3;
const intervalEnd = 1;
const setFlags = 3;
const timeoutFlag = 0x10;

export type DumpedKind = keyof typeof kinds;
const dumpedKinds = Object.keys(kinds) as readonly DumpedKind[];

export interface DumpedTable {
  /** By `kind name`: the rules of a chain in order, of all others one text. Equal texts are equal objects. */
  readonly objects: ReadonlyMap<string, readonly string[]>;
  /** Sets and maps whose elements do not end by themselves. */
  readonly sets: readonly string[];
  /** How many there are of a kind. */
  readonly counts: Readonly<Record<DumpedKind, number>>;
}

/** What is in a table apart from elements; undefined if it changed meanwhile. Throws NETLINK_FAILED if there is no such table. */
export function dumpTable(
  socket: NetlinkSocket,
  table: string,
  family: keyof typeof netfilterFamily,
): DumpedTable | undefined {
  const objects = new Map<string, string[]>();
  const sets: string[] = [];
  const counts = { table: 0, chain: 0, rule: 0, set: 0, object: 0, flowtable: 0 };
  for (const kind of dumpedKinds) {
    const isInterrupted = socket.dump(
      `nftables ${kind}s`,
      request(kinds[kind].ask, table, family),
      (bytes, { start, end }) => {
        const dumped = read(kind, bytes, start + netfilterHeaderBytes, end);
        if (dumped.table !== table || bytes[start] !== netfilterFamily[family]) return;
        counts[kind] += 1;
        if (kind === "set" && !dumped.hasTimeouts) sets.push(dumped.name);
        const key = `${kind} ${dumped.name}`;
        const texts = objects.get(key);
        if (texts === undefined) objects.set(key, [dumped.text]);
        else texts.push(dumped.text);
      },
    );
    if (isInterrupted) return undefined;
  }
  return { objects, sets, counts };
}

/** Of a set. Equal texts are equal elements. */
export interface DumpedElements {
  readonly texts: readonly string[];
  /** How many of them are no elements but end an interval. */
  readonly ends: number;
}

/** Undefined if they changed meanwhile. */
export function dumpElements(
  socket: NetlinkSocket,
  table: string,
  family: keyof typeof netfilterFamily,
  set: string,
): DumpedElements | undefined {
  const texts: string[] = [];
  let ends = 0;
  const asked = request(askElements, table, family).text(2, set);
  const isInterrupted = socket.dump(`elements of ${set}`, asked, (bytes, { start, end }) => {
    const a = new Attributes("nftables elements", bytes, start + netfilterHeaderBytes, end);
    while (a.next())
      if (a.type === elementList) {
        const each = a.nested();
        while (each.next()) {
          texts.push(bytes.toString("latin1", each.start, each.start + each.length));
          if (each.length > shortestEnd && endsInterval(each.nested())) ends += 1;
        }
      }
    a.finish();
  });
  return isInterrupted ? undefined : { texts, ends };
}

/** Longer than the key of an address of IPv4, so that most elements are not looked into. */
const shortestEnd = 12;

function endsInterval(a: Attributes): boolean {
  while (a.next()) if (a.type === elementFlags) return (a.u32be() & intervalEnd) !== 0;
  return false;
}

interface Dumped {
  readonly table: string;
  readonly name: string;
  readonly text: string;
  readonly hasTimeouts: boolean;
}

function read(kind: DumpedKind, bytes: Buffer, from: number, to: number): Dumped {
  const { table: tableAt, name: nameAt, without } = kinds[kind];
  const a = new Attributes(`nftables ${kind}`, bytes, from, to);
  const left: readonly number[] = without;
  let [table, name, text, hasTimeouts] = ["", "", "", false];
  while (a.next()) {
    if (a.type === tableAt) table = a.text();
    if (a.type === nameAt) name = a.text();
    if (kind === "set" && a.type === setFlags) hasTimeouts = (a.u32be() & timeoutFlag) !== 0;
    if (!left.includes(a.type))
      text += `${a.type}:${a.length}:${bytes.toString("latin1", a.start, a.start + a.length)}`;
  }
  a.finish();
  if (name === "") throw new SluiceError("DECODE_FAILED", `nftables: a ${kind} without a name`);
  return { table, name, text, hasTimeouts };
}

function request(type: number, table: string, family: keyof typeof netfilterFamily): MessageWriter {
  const kernelType = netfilterType(subsystem.nftables, type);
  return new MessageWriter(kernelType, messageFlag.request | messageFlag.dump)
    .raw(netfilterHeader(netfilterFamily[family]))
    .text(1, table);
}

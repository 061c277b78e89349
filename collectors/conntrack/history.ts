import { type Address, addressFromBytes } from "../../core/address.ts";
import { type Counters, type Entry, seenReply } from "../../core/conntrack/entry.ts";
import type { Tuple } from "../../core/conntrack/tuple.ts";
import { rulesOfLabel } from "../../core/rule-id.ts";
import { column, columns, mark, number, numbers, type Slots } from "./slots.ts";

/** What was heard of a connection, as entries that leave it as it is, in their order. */
export interface History {
  readonly first: Entry;
  /** When that was read, microseconds. */
  readonly heardAt: number;
  readonly seenInDump: number;
  /** A record told of it, which ended then; and `by` had come before that. */
  readonly told: { readonly by: Entry | undefined; readonly end: number } | undefined;
  readonly latest: Entry | undefined;
  readonly domain: string | null;
}

/** The history of an open connection in a slot. */
export function historyOf(slots: Slots, slot: number): History {
  const row = slot * columns;
  const cell = slot * numbers;
  const values = slots.numbers;
  const marks = slots.columns[row + column.marks] as number;
  const known = {
    ...unusual,
    id: (slots.columns[row] as number) >>> 0,
    mark: (slots.columns[row + column.mark] as number) >>> 0,
    ...tuplesIn(slots, slot),
  };
  const kernelStart = given(values[cell + number.kernelStart]);
  const replied = (bit: number) => (marks & bit ? seenReply : 0);
  const dumped = (from: number, bit: number): Entry => ({
    ...{ ...known, kind: "dump", startedAt: kernelStart, status: replied(bit) },
    counters: countersIn(values, cell + from),
  });
  const born: Entry = {
    ...{ ...known, kind: "new", happenedAt: given(values[cell + number.stampedAt]) },
    tcpState: (marks & mark.tcpState) >>> mark.tcpStateShift || null,
  };
  // Told with another start than the kernel's: nothing but its NEW was known then.
  const toldByDump = kernelStart !== null && values[cell + number.startedAt] === kernelStart;
  return {
    first: {
      ...(marks & mark.newSeen ? born : dumped(number.reported, mark.toldReplied)),
      rules: rulesIn(slots, slot),
    },
    heardAt: values[cell + number.heardAt] as number,
    seenInDump: slots.columns[row + column.seenInDump] as number,
    told:
      marks & mark.told
        ? {
            by: toldByDump ? dumped(number.reported, mark.toldReplied) : { ...born, status: replied(mark.toldReplied) },
            end: values[cell + number.toldAt] as number,
          }
        : undefined,
    latest: kernelStart === null ? { ...born, status: replied(mark.replied) } : dumped(number.totals, mark.replied),
    domain: slots.domains.get(slot) ?? null,
  };
}

/** Who opened the connection in a slot, and to which address as written. */
export function openingOf(slots: Slots, slot: number): { readonly client: Address; readonly address: Address } {
  const row = slot * columns;
  const length = (slots.columns[row + column.marks] as number) & mark.six ? 16 : 4;
  const { buffer, byteOffset } = slots.columns;
  const bytes = new Uint8Array(buffer, byteOffset + 4 * (row + column.addresses), 2 * length);
  return { client: addressFromBytes(bytes, 0, length), address: addressFromBytes(bytes, length, length) };
}

/** What connections in slots do not have. */
const unusual = {
  zone: 0,
  status: 0,
  rules: null,
  counters: null,
  startedAt: null,
  stoppedAt: null,
  happenedAt: null,
  tcpState: null,
  tcpFlags: null,
  sctpState: null,
  timeout: null,
  master: null,
  deletedBy: 0,
} as const;

const given = (time = Number.NaN) => (Number.isNaN(time) ? null : time);

function countersIn(values: Float64Array, at: number): Counters {
  const [packets = 0, bytes = 0, replyPackets = 0, replyBytes = 0] = values.subarray(at, at + 4);
  return { packets, bytes, replyPackets, replyBytes };
}

function rulesIn(slots: Slots, slot: number) {
  const at = slot * columns + column.label;
  const words = slots.columns.slice(at, at + 4);
  return words.some((word) => word !== 0) ? rulesOfLabel(new Uint8Array(words.buffer)) : null;
}

function tuplesIn(slots: Slots, slot: number): { readonly original: Tuple; readonly reply: Tuple } {
  const row = slot * columns;
  const marks = slots.columns[row + column.marks] as number;
  const length = marks & mark.six ? 16 : 4;
  const words = slots.columns.slice(row + column.addresses, row + column.addresses + length);
  const bytes = new Uint8Array(words.buffer);
  const address = (index: number): Address => addressFromBytes(bytes, index * length, length);
  const tuple = (first: number, ports: number): Tuple => ({
    ...{ source: address(first), destination: address(first + 1), protocol: marks & mark.protocol },
    ...{ sourcePort: swapped(ports & 0xffff), destinationPort: swapped(ports >>> 16) },
    ...{ icmpType: -1, icmpCode: -1, icmpId: -1, zone: 0 },
  });
  return {
    original: tuple(0, slots.columns[row + column.originalPorts] as number),
    reply: tuple(2, slots.columns[row + column.replyPorts] as number),
  };
}

const swapped = (port: number) => ((port & 0xff) << 8) | (port >>> 8);

import { Attributes } from "./attributes.ts";
import { aligned } from "./message.ts";
import type { MessageWriter } from "./message-writer.ts";
import { netfilterHeaderBytes } from "./netfilter.ts";
import { type Verdict, writeVerdict } from "./nf-expressions.ts";

// Sets and maps of nf_tables, include/uapi/linux/netfilter/nf_tables.h. Numbers are u32be, if nothing else is said.
//
// set      => 1:table 2:name 3:flags 4:type 5:length 6:data 7:length 9:room 10:id 11:timeout 13:userdata        NFTA_SET_*
//   type     => nft's own numbers (nftables, datatype.h), 6 bits for each part of a concatenation
//   room     => 1:size                                     NFTA_SET_DESC_SIZE
//   id       => of this batch    timeout => u64be, milliseconds
//   userdata => (type length value)*        of nft itself (libnftnl, udata.h): 0 and 1 are the byte order of keys and data, 3 of
//               concatenations in whose words they were declared, 6 whether data are intervals; values in the machine's order
// elements => 1:table 2:set 3:list                         NFTA_SET_ELEM_LIST_*
//   list     => (1:element)*                               NFTA_LIST_ELEM; as an attribute at most 65,535 bytes long
//   element  => 1:key 2:data 3:flags 6:userdata            NFTA_SET_ELEM_*
//   key      => 1:bytes    data => 2:verdict               NFTA_DATA_VALUE, NFTA_DATA_VERDICT
const setFlag = { interval: 0x4, map: 0x8, timeout: 0x10, dynamic: 0x20 } as const;
const verdictType = 0xffff_ff00;
const intervalEnd = 1;
// The length of an attribute is 16 bits, padding included; the longest element of ours is far below the rest.
const listBytes = 64_000;

// What nft 1.0.6 leaves in userdata, for its own listings.
const byteOrder = { none: [0, 4, 0, 0, 0, 0], host: [0, 4, 1, 0, 0, 0], network: [0, 4, 2, 0, 0, 0] } as const;
const concatenated = [3, 8, 0, 4, 13, 0, 0, 0, 1, 0] as const;
const verdictData = [1, 4, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0] as const;
/** Of an element: the interval has no end element, as it reaches the last value. */
const openInterval = Uint8Array.of(1, 4, 1, 0, 0, 0);

/** An element as the kernel stores it. */
export interface SetElement {
  readonly key: Uint8Array;
  /** For sets of intervals: where the interval that begins at `key` is over; null if it holds the last value too. */
  readonly end?: Uint8Array | null;
  /** Of maps. */
  readonly verdict?: Verdict;
}

/** What the kernel knows of a set. */
export interface SetDescription {
  readonly keyType: number;
  readonly isInterval: boolean;
}

export interface NewSet extends SetDescription {
  readonly keyBytes: number;
  readonly keyOrder: keyof typeof byteOrder;
  readonly isConcatenation: boolean;
  /** A map leads to verdicts. */
  readonly isMap: boolean;
  /** Elements may go by themselves. */
  readonly hasTimeouts: boolean;
  /** When they do that do not say otherwise, milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Packets may add elements. */
  readonly isDynamic: boolean;
  /** How many elements it takes; without it as many as there are, and the kernel makes room as it goes. */
  readonly size: number | undefined;
}

/** The attributes after the name; `id` is another one for each set of a batch. */
export function writeSet(message: MessageWriter, set: NewSet, id: number): void {
  const flags =
    (set.isInterval ? setFlag.interval : 0) |
    (set.isMap ? setFlag.map : 0) |
    (set.hasTimeouts ? setFlag.timeout : 0) |
    (set.isDynamic ? setFlag.dynamic : 0);
  message.u32be(3, flags).u32be(4, set.keyType).u32be(5, set.keyBytes);
  if (set.isMap) message.u32be(6, verdictType).u32be(7, 0);
  const { size } = set;
  if (size !== undefined) message.nested(9, () => message.u32be(1, size));
  message.u32be(10, id);
  if (set.timeoutMs !== undefined) message.u64be(11, BigInt(set.timeoutMs));
  message.value(
    13,
    Uint8Array.from([
      ...byteOrder[set.keyOrder],
      ...(set.isMap ? verdictData : []),
      ...(set.isConcatenation ? concatenated : []),
    ]),
  );
}

/** Reads the answer to a request for one set. */
export function decodeSet(bytes: Buffer, framed: { readonly start: number; readonly end: number }): SetDescription {
  const a = new Attributes("nftables set", bytes, framed.start + netfilterHeaderBytes, framed.end);
  let [flags, keyType] = [0, 0];
  while (a.next())
    if (a.type === 3) flags = a.u32be();
    else if (a.type === 4) keyType = a.u32be();
  a.finish();
  return { keyType, isInterval: (flags & setFlag.interval) !== 0 };
}

/** Writes elements from `first` until they are all written or the list is full; where each begins. */
export function writeElements(
  message: MessageWriter,
  elements: readonly SetElement[],
  first: number,
): readonly number[] {
  const offsets: number[] = [];
  message.nested(3, () => {
    const limit = message.length + listBytes;
    for (let at = first; at < elements.length && message.length < limit; at++) {
      offsets.push(message.length);
      writeElement(message, elements[at] as SetElement);
    }
  });
  return offsets;
}

/** Keys of one length, one after the other: the quick way for the many members of plain sets. */
export interface Keys {
  readonly bytes: Uint8Array;
  readonly keyBytes: number;
}

/** As writeElements, elements that are nothing but a key. Each takes `keyElementBytes`. How many were written. */
export function writeKeys(message: MessageWriter, { bytes, keyBytes }: Keys, first: number): number {
  const each = keyElementBytes(keyBytes);
  const count = Math.min(bytes.length / keyBytes - first, Math.floor(listBytes / each));
  const room = Buffer.alloc(count * each);
  for (let at = 0, from = first * keyBytes; at < room.length; at += each, from += keyBytes) {
    room.writeUInt32LE(attributeHead(1, each), at);
    room.writeUInt32LE(attributeHead(1, each - 4), at + 4);
    room.writeUInt32LE(keyBytes + 4 + (1 << 16), at + 8);
    for (let byte = 0; byte < keyBytes; byte++) room[at + 12 + byte] = bytes[from + byte] as number;
  }
  message.nested(3, () => message.raw(room));
  return count;
}

export const keyElementBytes = (keyBytes: number) => 12 + aligned(keyBytes);

/** Length and type of an attribute that holds others. */
const attributeHead = (type: number, length: number) => (length | ((0x8000 | type) << 16)) >>> 0;

function writeElement(message: MessageWriter, { key, end, verdict }: SetElement): void {
  message.nested(1, () => {
    message.nested(1, () => message.value(1, key));
    if (verdict !== undefined) message.nested(2, () => writeVerdict(message, verdict));
    if (end === null) message.value(6, openInterval);
  });
  if (end)
    message.nested(1, () => {
      message.u32be(3, intervalEnd);
      message.nested(1, () => message.value(1, end));
    });
}

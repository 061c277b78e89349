import { SluiceError } from "../errors.ts";
import { Attributes } from "./attributes.ts";
import { netfilterHeaderBytes, subsystem } from "./netfilter.ts";

// What the kernel tells the group NFNLGRP_NFTABLES of changes, include/uapi/linux/netfilter/nf_tables.h. A transaction is
// told when it is committed: its changes one by one, then its generation, all with the port of the socket that asked for it.
//
// message => nfgenmsg attribute*                       the type tells what, and whether it came or went (`kinds` below)
//   table     => NFTA_TABLE_NAME 1
//   chain     => NFTA_CHAIN_TABLE 1, NFTA_CHAIN_NAME 3
//   rule      => NFTA_RULE_TABLE 1, NFTA_RULE_CHAIN 2, NFTA_RULE_HANDLE 3 u64be, NFTA_RULE_EXPRESSIONS 4 (see nft-rule-text.ts)
//   set       => NFTA_SET_TABLE 1, NFTA_SET_NAME 2       maps are sets; objects (named counters, ...) and flowtables likewise
//   elements  => NFTA_SET_ELEM_LIST_TABLE 1, NFTA_SET_ELEM_LIST_SET 2, NFTA_SET_ELEM_LIST_ELEMENTS 3 (NFTA_LIST_ELEM 1 element)*
//   element   => NFTA_SET_ELEM_KEY 1 data, NFTA_SET_ELEM_DATA 2 data, NFTA_SET_ELEM_FLAGS 3 u32be, ...
//   data      => NFTA_DATA_VALUE 1 bytes | NFTA_DATA_VERDICT 2 (NFTA_VERDICT_CODE 1 i32be, NFTA_VERDICT_CHAIN 2 text)
//   generation => NFTA_GEN_ID 1 u32be, NFTA_GEN_PROC_PID 2 u32be, NFTA_GEN_PROC_NAME 3 text
export const NFNLGRP_NFTABLES = 7;

const NFT_SET_ELEM_INTERVAL_END = 1;

type Named = "chain" | "set" | "object" | "flowtable";

export type NftEvent =
  | { readonly what: "table"; readonly family: number; readonly table: string; readonly gone: boolean }
  | {
      readonly what: Named;
      readonly family: number;
      readonly table: string;
      readonly name: string;
      readonly gone: boolean;
    }
  | {
      readonly what: "rule";
      readonly family: number;
      readonly table: string;
      readonly chain: string;
      readonly handle: number;
      /** Of the same bytes as the message. */
      readonly expressions: Uint8Array;
      readonly gone: boolean;
    }
  | {
      readonly what: "elements";
      readonly family: number;
      readonly table: string;
      readonly set: string;
      readonly elements: readonly NftElement[];
      readonly gone: boolean;
    }
  | {
      readonly what: "generation";
      readonly id: number;
      /** Id of the calling thread in the machine's first pid namespace, and its name (comm); 0 and "" if the kernel does not say. */
      readonly pid: number;
      readonly program: string;
    };

export interface NftElement {
  /** As in the kernel: each part of a concatenation padded to four bytes. */
  readonly key: Uint8Array;
  /** Not an element, but the first value after an interval. */
  readonly isEnd: boolean;
  /** Of a verdict map. */
  readonly verdict: NftVerdict | null;
}

export interface NftVerdict {
  /** include/uapi/linux/netfilter/nf_tables.h, enum nft_verdicts; include/uapi/linux/netfilter.h: 0 drop, 1 accept. */
  readonly code: number;
  /** Of jump (-3) and goto (-4). */
  readonly chain: string | null;
}

type Kind = Exclude<NftEvent["what"], "generation">;

/** Message types, of what came and of what went. */
const types: readonly (readonly [what: Kind, came: number, went: number])[] = [
  ["table", 0, 2],
  ["chain", 3, 5],
  ["rule", 6, 8],
  ["set", 9, 11],
  ["elements", 12, 14],
  ["object", 18, 20],
  ["flowtable", 22, 24],
];
const kinds = new Map<number, { readonly what: Kind; readonly gone: boolean }>();
for (const [what, came, went] of types) kinds.set(came, { what, gone: false }).set(went, { what, gone: true });
const NFT_MSG_NEWGEN = 15;

interface Framed {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/** True of the message that ends a transaction's. */
export function isGeneration({ type }: { readonly type: number }): boolean {
  return type === ((subsystem.nftables << 8) | NFT_MSG_NEWGEN);
}

/** Of which table a message tells, without reading all of it; undefined if it does not say. Attribute 1 is the table's name in all kinds. */
export function tableOf(
  bytes: Uint8Array,
  { start, end }: Framed,
): { readonly family: number; readonly table: string } | undefined {
  if (end - start < netfilterHeaderBytes) return undefined;
  const attributes = new Attributes("nftables", bytes, start + netfilterHeaderBytes, end);
  while (attributes.next()) if (attributes.type === 1) return { family: bytes[start] ?? 0, table: attributes.text() };
  return undefined;
}

/** Undefined for what is none of the above; newer kernels may tell more. Throws DECODE_FAILED. */
export function decodeNftEvent(bytes: Uint8Array, { type, start, end }: Framed): NftEvent | undefined {
  if (type >> 8 !== subsystem.nftables) return undefined;
  const kind = kinds.get(type & 0xff);
  if (kind === undefined && !isGeneration({ type })) return undefined;
  if (end - start < netfilterHeaderBytes)
    throw new SluiceError("DECODE_FAILED", "nftables: a message without a header");
  const attributes = new Attributes("nftables", bytes, start + netfilterHeaderBytes, end);
  const event = kind === undefined ? generation(attributes) : change(attributes, kind, bytes[start] ?? 0);
  attributes.finish();
  return event;
}

function generation(a: Attributes): NftEvent {
  let [id, pid, program] = [0, 0, ""];
  while (a.next())
    if (a.type === 1) id = a.u32be();
    else if (a.type === 2) pid = a.u32be();
    else if (a.type === 3) program = a.text();
  return { what: "generation", id, pid, program };
}

function change(
  a: Attributes,
  { what, gone }: { readonly what: Kind; readonly gone: boolean },
  family: number,
): NftEvent {
  let [table, second, third]: [string, string, string] = ["", "", ""];
  let handle = 0;
  let expressions: Uint8Array = new Uint8Array();
  const elements: NftElement[] = [];
  while (a.next())
    if (a.type === 1) table = a.text();
    else if (a.type === 2 && what !== "table" && what !== "chain") second = a.text();
    else if (a.type === 3 && what === "chain") third = a.text();
    else if (a.type === 3 && what === "rule") handle = a.u64be();
    else if (a.type === 4 && what === "rule") expressions = a.bytes.subarray(a.start, a.start + a.length);
    else if (a.type === 3 && what === "elements") readElements(a.nested(), elements);
  switch (what) {
    case "table":
      return { what, family, table, gone };
    case "chain":
      return { what, family, table, name: third, gone };
    case "rule":
      return { what, family, table, chain: second, handle, expressions, gone };
    case "elements":
      return { what, family, table, set: second, elements, gone };
    case "set":
    case "object":
    case "flowtable":
      return { what, family, table, name: second, gone };
  }
}

function readElements(list: Attributes, into: NftElement[]): void {
  while (list.next()) if (list.type === 1) into.push(element(list.nested()));
}

function element(a: Attributes): NftElement {
  let key: Uint8Array = new Uint8Array();
  let verdict: NftVerdict | null = null;
  let flags = 0;
  while (a.next())
    if (a.type === 1) key = dataOf(a.nested()).value ?? key;
    else if (a.type === 2) verdict = dataOf(a.nested()).verdict ?? verdict;
    else if (a.type === 3) flags = a.u32be();
  return { key, isEnd: (flags & NFT_SET_ELEM_INTERVAL_END) !== 0, verdict };
}

/** The value is copied: the bytes it is read from are used again. */
function dataOf(a: Attributes): { readonly value?: Uint8Array; readonly verdict?: NftVerdict } {
  let data: { readonly value?: Uint8Array; readonly verdict?: NftVerdict } = {};
  while (a.next())
    if (a.type === 1) data = { value: Uint8Array.from(a.bytes.subarray(a.start, a.start + a.length)) };
    else if (a.type === 2) data = { verdict: verdictOf(a.nested()) };
  return data;
}

function verdictOf(a: Attributes): NftVerdict {
  let [code, chain]: [number, string | null] = [0, null];
  while (a.next())
    if (a.type === 1) code = a.u32be() | 0;
    else if (a.type === 2) chain = a.text();
  return { code, chain };
}

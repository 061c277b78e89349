// What nft says our table holds, in one canonical form: equal content is equal text, whatever way led to it. It comes from
// nft's own listing (`NftAccess.print`), never from what we believe to have written, so a comparison of two listings trusts nothing of ours.
//
// `nft -j list table` => {"nftables": [{kind: object}*]}, libnftables-json(5)
// `nft -a -s -t list table` => a rule a line, that ends with `# handle N`: the words for people

import { SluiceError } from "../core/errors.ts";
import { unreadable } from "./nft-answer.ts";

/** One object of the table: a set, map, chain or counter, and the table itself. */
export interface ListedObject {
  /** `set pods4_0123456789abcdef` */
  readonly key: string;
  /** All but its content and what the kernel numbers. */
  readonly header: string;
  /** Elements in the order of their text; rules in the order of the chain. */
  readonly items: readonly ListedItem[];
}

export interface ListedItem {
  /** Canonical: equal items are equal texts. */
  readonly text: string;
  /** As nft prints it for people. */
  readonly words: string;
}

export type Listing = ReadonlyMap<string, ListedObject>;

/** Elements of such sets come and go without us, as those of `revoked4` do. */
const timeoutFlag = "timeout";

/** How nft prints a table: as data, or a rule a line for people. */
export type Print = "json" | "text";

/** `text` is only for what is told of rules: the same table in the other way; without it they are told as data. */
export function listingOf(json: string, text = ""): Listing {
  const words = wordsByHandle(text);
  const objects = new Map<string, { key: string; header: string; items: ListedItem[] }>();
  const objectOf = (key: string) => {
    const object = objects.get(key) ?? { key, header: "", items: [] };
    objects.set(key, object);
    return object;
  };
  for (const [kind, value] of entriesOf(json))
    if (kind === "rule") objectOf(`chain ${String(value["chain"])}`).items.push(ruleOf(value, words));
    else if (kind !== "metainfo") {
      const object = objectOf(kind === "table" ? kind : `${kind} ${String(value["name"])}`);
      object.header = headerOf(kind === "table" && value["flags"] !== undefined ? sleeping(value, text) : value);
      object.items.push(...elementsOf(value));
    }
  return objects;
}

/** What nft 1.0.6 prints of the flags of a table is read from a wrong place, as data; for people it is right. */
function sleeping(value: Fields, text: string): Fields {
  return { ...value, flags: flagsIn(text) ?? "some" };
}

const flagsIn = (text: string): string | undefined => /^\tflags (.*)$/m.exec(text)?.[1];

/**
 * Of a table that nft cannot print as data, what tells that: its flags. Undefined where it has none, so that something else is the
 * matter.
 */
export function flagsListing(text: string): Listing | undefined {
  const flags = flagsIn(text);
  if (flags === undefined) return undefined;
  return new Map([["table", { key: "table", header: JSON.stringify({ ...ourTable, flags }), items: [] }]]);
}

const ourTable = { family: "inet", name: "sluice" };

/** How many rules, sets (with maps), elements and counters there are. */
export interface TableSize {
  readonly rules: number;
  readonly sets: number;
  readonly elements: number;
  readonly counters: number;
}

export function sizeOf(listing: Listing): TableSize {
  const size = { rules: 0, sets: 0, elements: 0, counters: 0 };
  for (const { key, items } of listing.values())
    if (key.startsWith("chain ")) size.rules += items.length;
    else if (key.startsWith("counter ")) size.counters += 1;
    else if (key !== "table") {
      size.sets += 1;
      size.elements += items.length;
    }
  return size;
}

type Fields = Readonly<Record<string, unknown>>;

function entriesOf(json: string): readonly (readonly [kind: string, value: Fields])[] {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw unreadable(cause);
  }
  const entries = fieldsOf(document)["nftables"];
  if (!Array.isArray(entries)) throw new SluiceError("NFT_FAILED", "nft printed a listing of another shape");
  return entries.flatMap((entry) => Object.entries(fieldsOf(entry)).map(([kind, value]) => [kind, fieldsOf(value)]));
}

function fieldsOf(value: unknown): Fields {
  if (typeof value === "object" && value !== null) return value as Fields;
  throw new SluiceError("NFT_FAILED", "nft printed a listing of another shape");
}

/** Handles are the kernel's numbers; what a counter has counted is no part of what a ruleset says, nor how much room a set has. */
function headerOf({
  handle: _,
  elem: _elements,
  packets: _packets,
  bytes: _bytes,
  size: _size,
  ...header
}: Fields): string {
  return JSON.stringify(header);
}

function ruleOf(
  { handle, chain: _, family: _family, table: _table, ...rule }: Fields,
  words: WordsByHandle,
): ListedItem {
  const text = JSON.stringify(rule, withoutState);
  return { text, words: words.get(Number(handle)) ?? text };
}

function elementsOf({ elem, flags }: Fields): readonly ListedItem[] {
  if (!Array.isArray(elem) || (Array.isArray(flags) && flags.includes(timeoutFlag))) return [];
  return elem
    .map((element) => ({ text: JSON.stringify(element, withoutState), words: elementWords(element) }))
    .sort(byText);
}

/** Leaves out what a counter within a rule or element has counted, and how long an element lives on. */
function withoutState(key: string, value: unknown): unknown {
  if (key === "counter" && typeof value === "object" && value !== null) return {};
  return key === "expires" ? undefined : value;
}

const byText = (a: ListedItem, b: ListedItem) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);

/** `10.0.0.0/8`, `"eth0" . 10.0.0.1`, `10.0.0.1 : jump class_1`; what is neither, as it is. */
function elementWords(element: unknown): string {
  if (Array.isArray(element)) return element.map(elementWords).join(" : ");
  if (typeof element !== "object" || element === null) return String(element);
  const { prefix, range, concat, elem, jump, goto, ...others } = element as Fields;
  if (prefix !== undefined) return `${String(fieldsOf(prefix)["addr"])}/${String(fieldsOf(prefix)["len"])}`;
  if (Array.isArray(range)) return range.map(elementWords).join("-");
  if (Array.isArray(concat)) return concat.map(elementWords).join(" . ");
  if (elem !== undefined) return elementOfSetWords(fieldsOf(elem));
  if (jump !== undefined) return `jump ${String(fieldsOf(jump)["target"])}`;
  if (goto !== undefined) return `goto ${String(fieldsOf(goto)["target"])}`;
  const [verdict, ...more] = Object.keys(others);
  return verdict !== undefined && more.length === 0 && others[verdict] === null ? verdict : JSON.stringify(element);
}

function elementOfSetWords({ val, ...options }: Fields): string {
  const words = Object.entries(options).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return [elementWords(val), ...words].join(" ");
}

type WordsByHandle = ReadonlyMap<number, string>;

function wordsByHandle(text: string): WordsByHandle {
  const words = new Map<number, string>();
  for (const line of text.split("\n")) {
    const at = line.startsWith("\t\t") ? line.lastIndexOf(" # handle ") : -1;
    if (at >= 0) words.set(Number(line.slice(at + " # handle ".length)), line.slice(2, at));
  }
  return words;
}

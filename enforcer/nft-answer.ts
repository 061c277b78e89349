import { SluiceError } from "../core/errors.ts";
import type { Element } from "./element.ts";
import type { Inventory } from "./nft.ts";
import { type Name, nameOf } from "./ruleset.ts";
import { table } from "./text.ts";

// What `nft -j list` prints (libnftables-json(5)), as far as we read it:
// document => {"nftables": [object*]}
// object   => {"set": set} | {"map": set} | {"counter": {"name"}} | {"chain": {"name"}} | {"rule": {"chain"}} | others, passed over
// set      => {"name", "type": text | [text*], "elem": [element*]}; elements of maps are [element, verdict]
// element  => text | number | {"prefix": {"addr", "len"}} | {"range": [from, to]} | {"concat": [element*]}
//           | {"elem": {"val": element, ...}}

export const listCommand = `list table ${table}`;

/** True of nft's answer to `listCommand` where there is no such table. */
export function saysNoTable(words: string): boolean {
  return words.includes("No such file or directory");
}

export function inventoryOf(json: string): Inventory {
  const inventory = { sets: new Map(), maps: new Map(), counters: new Set<Name>(), chains: new Map() };
  for (const entry of list(field(parse(json), "nftables"))) addTo(inventory, entry);
  return inventory;
}

/** What nft said no to. The line after the error is the command concerned, then comes one that underlines a part of it. */
export function refusal(words: string): SluiceError {
  const lines = words.split("\n");
  const at = Math.max(
    lines.findIndex((line) => line.includes("Error")),
    0,
  );
  const sentence = (lines[at] ?? "").replace(/^.*?Error: /, "").slice(0, 500);
  const command = lines[at + 1]?.trim().slice(0, 300);
  const code = words.includes("Operation not permitted") ? "PERMISSION_DENIED" : "NFT_FAILED";
  return new SluiceError(code, `nft: ${sentence}`, { context: command ? { command } : {} });
}

/** nft 1.0.6 writes broken JSON of a table that somebody put to sleep (flags dormant): it prints the flag by a wrong pointer. */
export function unreadable(cause: unknown): SluiceError {
  return new SluiceError("DECODE_FAILED", "nft printed a listing that is no JSON", { cause });
}

interface Growing {
  readonly sets: Map<Name, ReadonlySet<Element>>;
  readonly maps: Map<Name, ReadonlySet<Element>>;
  readonly counters: Set<Name>;
  readonly chains: Map<Name, number>;
}

function addTo({ sets, maps, counters, chains }: Growing, entry: unknown): void {
  const { set, map, counter, chain, rule } = record(entry);
  const count = (name: Name, rules: number) => chains.set(name, (chains.get(name) ?? 0) + rules);
  if (set !== undefined)
    sets.set(
      nameIn(set, "name"),
      elementsOf(set, (element) => element),
    );
  if (map !== undefined)
    maps.set(
      nameIn(map, "name"),
      elementsOf(map, (element) => list(element)[0]),
    );
  if (counter !== undefined) counters.add(nameIn(counter, "name"));
  if (chain !== undefined) count(nameIn(chain, "name"), 0);
  if (rule !== undefined) count(nameIn(rule, "chain"), 1);
}

function elementsOf(set: unknown, keyOf: (element: unknown) => unknown): ReadonlySet<Element> {
  const type = field(set, "type");
  const types = Array.isArray(type) ? type : [type];
  const elements = record(set)["elem"] ?? [];
  return new Set(list(elements).map((element) => elementText(keyOf(element), types) as Element));
}

function elementText(element: unknown, types: readonly unknown[]): string {
  if (typeof element === "number") return String(element);
  if (typeof element === "string") return types[0] === "ifname" ? `"${element}"` : element;
  const { prefix, range, concat, elem } = record(element);
  if (elem !== undefined) return elementText(field(elem, "val"), types);
  if (prefix !== undefined) return `${field(prefix, "addr")}/${field(prefix, "len")}`;
  if (range !== undefined) return list(range).join("-");
  return list(concat)
    .map((part, index) => elementText(part, types.slice(index)))
    .join(" . ");
}

function nameIn(value: unknown, key: string): Name {
  return nameOf(String(field(value, key)));
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw unreadable(cause);
  }
}

function field(value: unknown, key: string): unknown {
  const found = record(value)[key];
  if (found === undefined) throw new SluiceError("NFT_FAILED", `nft printed a listing without "${key}"`);
  return found;
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new SluiceError("NFT_FAILED", "nft printed a listing of another shape");
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new SluiceError("NFT_FAILED", "nft printed a listing of another shape");
}

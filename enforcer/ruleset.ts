import type { Family } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { Direction } from "../policy/program.ts";
import type { Element } from "./element.ts";

/**
 * All that Sluice ever writes into nftables, as data: one table, `inet sluice`. The model is closed, so text.ts can print
 * every ruleset, a simulator can run it, and diff.ts can tell two apart.
 */
export interface Ruleset {
  readonly sets: ReadonlyMap<Name, NamedSet>;
  readonly maps: ReadonlyMap<Name, VerdictMap>;
  /** Named counters: they outlive the rules that refer to them, and several rules may share one. */
  readonly counters: ReadonlySet<Name>;
  readonly chains: ReadonlyMap<Name, Chain>;
}

export const emptyRuleset: Ruleset = { sets: new Map(), maps: new Map(), counters: new Set(), chains: new Map() };

/** Name of a set, map, counter or chain. */
export type Name = string & { readonly __nftName: never };

export function nameOf(text: string): Name {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(text)) throw new SluiceError("NFT_FAILED", `"${text}" is no name for nft`);
  return text as Name;
}

export type DataType = "mark" | "ifname" | "ipv4_addr" | "ipv6_addr" | "inet_proto" | "inet_service";

export interface SetHeader {
  readonly name: Name;
  /** More than one: a concatenation. */
  readonly type: readonly DataType[];
  /** `timeout`: elements come and go without us, diff.ts leaves them alone; `dynamic`: with packets. */
  readonly flag: "interval" | "timeout" | "dynamic" | null;
  /** Of a set with timeouts: how long an element stays that says nothing else. */
  readonly timeoutMs?: number;
  /** How many elements it takes at most. */
  readonly size?: number;
}

/** Whether what is in it is none of our doing. */
export function hasOwnElements({ flag }: Pick<SetHeader, "flag">): boolean {
  return flag === "timeout" || flag === "dynamic";
}

export interface NamedSet extends SetHeader {
  readonly elements: ReadonlySet<Element>;
}

export interface MapHeader {
  readonly name: Name;
  readonly type: readonly DataType[];
}

export interface VerdictMap extends MapHeader {
  readonly entries: ReadonlyMap<Element, MapVerdict>;
}

export type MapVerdict = { readonly verdict: "accept" } | { readonly verdict: "jump"; readonly to: Name };

export function isSameVerdict(a: MapVerdict | undefined, b: MapVerdict | undefined): boolean {
  if (a === undefined || b === undefined || a.verdict !== b.verdict) return a === b;
  return a.verdict === "accept" || (b.verdict === "jump" && a.to === b.to);
}

export interface ChainHeader {
  readonly name: Name;
  readonly base: BaseHook | null;
}

export interface Chain extends ChainHeader {
  readonly rules: readonly Rule[];
}

export type Hook = "prerouting" | "input" | "forward" | "output" | "postrouting";

export interface BaseHook {
  readonly hook: Hook;
  readonly priority: number;
}

/** If all conditions hold, all statements are carried out. */
export interface Rule {
  readonly when: readonly Condition[];
  readonly statements: readonly Statement[];
}

/**
 * A part of the packet. `saddr4` and the like hold only for packets of that family, `hoplimit6` for IPv6; ports and ICMP
 * fields are plain bytes of the transport header, so conditions on the protocol go before them.
 */
export type Field =
  | "iifname"
  | "oifname"
  | "saddr4"
  | "daddr4"
  | "saddr6"
  | "daddr6"
  | "hoplimit6"
  | "protocol"
  | "sport"
  | "dport"
  | "icmpType"
  /** type * 256 + code */
  | "icmpTypeAndCode";

export type AddressField = "saddr4" | "daddr4" | "saddr6" | "daddr6";

export type NumberField = "hoplimit6" | "protocol" | "sport" | "dport" | "icmpType" | "icmpTypeAndCode";

export type Condition =
  | { readonly if: "family"; readonly is: Family }
  | {
      readonly if: "number";
      readonly field: NumberField;
      readonly from: number;
      readonly to: number;
      readonly not: boolean;
    }
  | { readonly if: "member"; readonly key: readonly Field[]; readonly set: Name; readonly not: boolean }
  /** One address, or a prefix that is not all addresses. */
  | { readonly if: "network"; readonly field: AddressField; readonly network: Element }
  | { readonly if: "interface"; readonly field: "iifname" | "oifname"; readonly name: string; readonly prefix: boolean }
  | { readonly if: "connection"; readonly state: "established" | "related" | "invalid" | "untracked" }
  /** `settle` of this kind was done for the connection. */
  | { readonly if: "settled"; readonly in: Standing }
  /** The source, or the destination, is an address of this machine. */
  | { readonly if: "localSource"; readonly not: boolean }
  | { readonly if: "localDestination" }
  /**
   * Of what this number stands for, and of this source, packets come faster than `perSecond`, after `burst` at once. Each is counted by
   * a dynamic set of (number, source); if that is full and has no such element, it does not hold.
   */
  | {
      readonly if: "overLimit";
      readonly set: Name;
      readonly of: number;
      readonly source: "saddr4" | "saddr6" | "iifname";
      readonly perSecond: number;
      readonly burst: number;
    };

/** Of which policies: those in force, or as everything staged would have them. */
export type Standing = "force" | "pending";

export type Statement =
  | { readonly do: "log"; readonly prefix: LogPrefix; readonly group: number; readonly snaplen: number }
  | { readonly do: "count"; readonly counter: Name }
  | { readonly do: "label"; readonly direction: Direction; readonly rule: RuleId }
  /** Notes at the connection that later lists of the host endpoint have no say (in label bits that no rule id has: text.ts). */
  | { readonly do: "settle"; readonly in: Standing }
  /** Connection tracking leaves the packet alone; in prerouting and output before it only. */
  | { readonly do: "notrack" }
  | { readonly do: "dispatch"; readonly key: readonly Field[]; readonly map: Name }
  | { readonly do: "jump"; readonly to: Name }
  | { readonly do: "accept" }
  | { readonly do: "drop" }
  | { readonly do: "reject"; readonly with: "tcp-reset" | "admin-prohibited" }
  | { readonly do: "return" };

/**
 * What a log packet says: `D` deny or `L` log, direction, and the rule or the reason why no rule was asked. `R` denies as well, but
 * what is denied is an answer: who asked is its destination.
 */
export interface LogPrefix {
  readonly action: "D" | "L" | "R";
  readonly direction: Direction;
  readonly because: RuleId | Reason;
}

export const reasons = ["spoofed", "revoked", "invalid", "unknown-endpoint", "undecided", "unrenderable"] as const;
/** `undecided`: no stage decided; `unrenderable`: the policy holds something that no rule can express, so it denies. */
export type Reason = (typeof reasons)[number];

/** Changes in the order in which nft carries them out; all or nothing. */
export type Transaction = readonly Command[];

/** Makes our table anew, so that nothing of what is there matters. */
export function isReplacement(transaction: Transaction): boolean {
  return transaction.some(({ verb }) => verb === "delete-table");
}

export type Command =
  | { readonly verb: "add-table" }
  | { readonly verb: "delete-table" }
  | { readonly verb: "add-set"; readonly set: SetHeader }
  | { readonly verb: "add-map"; readonly map: MapHeader }
  | { readonly verb: "add-counter"; readonly name: Name }
  | { readonly verb: "add-chain"; readonly chain: ChainHeader }
  | { readonly verb: "add-elements"; readonly set: Name; readonly elements: readonly Element[] }
  | { readonly verb: "delete-elements"; readonly set: Name; readonly elements: readonly Element[] }
  | { readonly verb: "add-entries"; readonly map: Name; readonly entries: ReadonlyMap<Element, MapVerdict> }
  | { readonly verb: "delete-entries"; readonly map: Name; readonly keys: readonly Element[] }
  | { readonly verb: "add-rules"; readonly chain: Name; readonly rules: readonly Rule[] }
  | { readonly verb: "flush-chain"; readonly chain: Name }
  | { readonly verb: "delete-chain" | "delete-map" | "delete-set" | "delete-counter"; readonly name: Name };

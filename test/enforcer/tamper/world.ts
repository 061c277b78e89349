import type { Element } from "../../../enforcer/element.ts";
import {
  type Chain,
  type NamedSet,
  nameOf,
  type Rule,
  type Ruleset,
  type VerdictMap,
} from "../../../enforcer/ruleset.ts";
import type { TableEvent } from "../../../enforcer/tamper/table-event.ts";

// A small table, and what may happen to it.

const accept: Rule = { when: [], statements: [{ do: "accept" }] };
const drop: Rule = { when: [], statements: [{ do: "drop" }] };
const port = (number: number): Rule => ({
  when: [{ if: "number", field: "dport", from: number, to: number, not: false }],
  statements: [{ do: "accept" }],
});

const chains: readonly Chain[] = [
  { name: nameOf("base"), base: { hook: "forward", priority: -5 }, rules: [port(80), port(443), drop] },
  { name: nameOf("class_a"), base: null, rules: [accept] },
];
const pods: NamedSet = {
  name: nameOf("pods"),
  type: ["ipv4_addr"],
  flag: null,
  elements: new Set(["10.0.0.1" as Element]),
};
const nets: NamedSet = {
  ...pods,
  name: nameOf("nets"),
  flag: "interval",
  elements: new Set(["10.0.0.0/8" as Element]),
};
const revoked: NamedSet = { ...pods, name: nameOf("revoked"), flag: "timeout", elements: new Set() };
const egress: VerdictMap = {
  name: nameOf("egress"),
  type: ["ipv4_addr"],
  entries: new Map([["10.0.0.1" as Element, { verdict: "jump", to: nameOf("class_a") }]]),
};

export const wanted: Ruleset = {
  chains: new Map(chains.map((chain) => [chain.name, chain])),
  sets: new Map([pods, nets, revoked].map((set) => [set.name, set])),
  maps: new Map([[egress.name, egress]]),
  counters: new Set(),
};

const at = { family: 1, table: "sluice" };

/** `says`: expressions as the kernel tells them, in hex. */
export const ruleEvent = (chain: string, handle: number, gone: boolean, says = ""): TableEvent => ({
  what: "rule",
  ...at,
  chain,
  handle,
  expressions: Uint8Array.from(Buffer.from(says, "hex")),
  gone,
});

export const namedEvent = (what: "chain" | "set" | "object", name: string, gone: boolean): TableEvent => ({
  what,
  ...at,
  name,
  gone,
});

export const tableEvent = (gone: boolean): TableEvent => ({ what: "table", ...at, gone });

/** `address` as four numbers. */
export const elementEvent = (
  set: string,
  address: readonly number[],
  gone: boolean,
  more: { readonly jump?: string; readonly isEnd?: boolean } = {},
): TableEvent => {
  const verdict = more.jump === undefined ? null : { code: -3, chain: more.jump };
  return {
    what: "elements",
    ...at,
    set,
    elements: [{ key: Uint8Array.from(address), isEnd: more.isEnd ?? false, verdict }],
    gone,
  };
};

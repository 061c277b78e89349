import { createHash } from "node:crypto";
import type { Family } from "../core/address.ts";
import { exact } from "../core/exact.ts";
import type { SetId } from "../policy/program.ts";
import type { Element } from "./element.ts";
import { type BaseHook, type Chain, type DataType, type Name, nameOf, type Rule, type SetHeader } from "./ruleset.ts";

/** Something in the input that no rule can express; it denies instead, or is left out where that denies. */
export interface Problem {
  /** Rule, set, block or class concerned. */
  readonly subject: string;
  readonly sentence: string;
}

/** Where the elements of a set come from: they are the same for ever, or follow a set of the Program. */
export type Origin =
  | { readonly from: "constant"; readonly elements: ReadonlySet<Element> }
  | { readonly from: "members"; readonly id: SetId; readonly family: Family; readonly part: SetPart };

/** Single addresses, CIDRs, and (address, protocol, port) are in sets of their own. */
export type SetPart = "addresses" | "nets" | "ports";

export interface DraftedSet extends SetHeader {
  readonly origin: Origin;
}

/** A part of a ruleset that is made once and shared by all that need it: it holds all that its chains refer to. */
export interface Fragment {
  readonly sets: ReadonlyMap<Name, DraftedSet>;
  readonly counters: ReadonlySet<Name>;
  readonly chains: ReadonlyMap<Name, Chain>;
  readonly problems: readonly Problem[];
  /** Sets of the Program of which it mattered whether they hold CIDRs, and what was so. */
  readonly nets: ReadonlyMap<SetId, boolean>;
}

/** A fragment in the making. Adding an object that is there already is free, which is how chains and sets get shared. */
export class Draft {
  readonly #sets = new Map<Name, DraftedSet>();
  readonly #counters = new Set<Name>();
  readonly #chains = new Map<Name, Chain>();
  readonly #problems: Problem[] = [];
  readonly #nets = new Map<SetId, boolean>();

  set(name: Name, type: readonly DataType[], flag: SetHeader["flag"], origin: Origin): Name {
    if (!this.#sets.has(name)) this.#sets.set(name, { name, type, flag, origin });
    return name;
  }

  counter(name: Name): Name {
    this.#counters.add(name);
    return name;
  }

  baseChain(name: Name, base: BaseHook, rules: readonly Rule[]): void {
    this.#chains.set(name, { name, base, rules });
  }

  /** A chain that others jump to and that keeps its name, whatever its rules. */
  lastingChain(name: Name, rules: readonly Rule[]): void {
    this.#chains.set(name, { name, base: null, rules });
  }

  /** A chain named after its content: equal chains are one, and a chain never changes under its name. */
  chain(kind: "block" | "stage" | "class" | "log" | "reject" | "revoked", rules: readonly Rule[]): Name {
    const name = contentName(kind, JSON.stringify(rules));
    if (!this.#chains.has(name)) this.#chains.set(name, { name, base: null, rules: rules.map(exactRule) });
    return name;
  }

  dependsOnNets(id: SetId, are: boolean): void {
    this.#nets.set(id, are);
  }

  problem(subject: string, sentence: string): void {
    this.#problems.push({ subject, sentence });
  }

  include(fragment: Fragment): void {
    for (const [name, set] of fragment.sets) this.#sets.set(name, set);
    for (const name of fragment.counters) this.#counters.add(name);
    for (const [name, chain] of fragment.chains) this.#chains.set(name, chain);
    for (const [id, are] of fragment.nets) this.#nets.set(id, are);
    this.#problems.push(...fragment.problems);
  }

  finish(): Fragment {
    return {
      sets: this.#sets.size > 0 ? this.#sets : noMap,
      counters: this.#counters.size > 0 ? this.#counters : noSet,
      chains: this.#chains.size > 0 ? this.#chains : noMap,
      problems: this.#problems,
      nets: this.#nets.size > 0 ? this.#nets : noMap,
    };
  }
}

// Fragments are thousands, and most have none of something.
const noMap = new Map<never, never>();
const noSet = new Set<never>();

function exactRule({ when, statements }: Rule): Rule {
  return { when: exact(when), statements: exact(statements) };
}

const names = new Map<string, Name>();
const maxNames = 100_000;

/** `kind_` and 64 bits of a hash of the content. */
export function contentName(kind: string, content: string): Name {
  if (content.length > 64) return hashedName(kind, content);
  const key = `${kind} ${content}`;
  const found = names.get(key) ?? hashedName(kind, content);
  if (names.size >= maxNames) names.clear();
  names.set(key, found);
  return found;
}

/** Whether what has this name never changes. */
export function isContentName(name: Name): boolean {
  return /_[0-9a-f]{16}$/.test(name);
}

function hashedName(kind: string, content: string): Name {
  return nameOf(`${kind}_${createHash("sha256").update(content).digest("hex").slice(0, 16)}`);
}

import { createHash } from "node:crypto";
import type { Element } from "./element.ts";
import {
  type BaseHook,
  type Chain,
  type DataType,
  type MapVerdict,
  type Name,
  type NamedSet,
  nameOf,
  type Rule,
  type Ruleset,
  type VerdictMap,
} from "./ruleset.ts";

/** Something in the input that no rule can express; it denies instead, or is left out where that denies. */
export interface Problem {
  /** Rule, set, block or class concerned. */
  readonly subject: string;
  readonly sentence: string;
}

/** A ruleset in the making. Adding an object that is there already is free, which is how chains and sets get shared. */
export class Draft {
  readonly #sets = new Map<Name, NamedSet>();
  readonly #maps = new Map<Name, VerdictMap>();
  readonly #chains = new Map<Name, Chain>();
  readonly #names = new Map<string, Name>();
  readonly #problems = new Map<string, Problem>();

  /** `elements` is asked only if the set is new. */
  set(name: Name, type: readonly DataType[], flag: NamedSet["flag"], elements: () => ReadonlySet<Element>): Name {
    if (!this.#sets.has(name)) this.#sets.set(name, { name, type, flag, elements: elements() });
    return name;
  }

  map(name: Name, type: readonly DataType[], entries: ReadonlyMap<Element, MapVerdict>): Name {
    this.#maps.set(name, { name, type, entries });
    return name;
  }

  baseChain(name: Name, base: BaseHook, rules: readonly Rule[]): void {
    this.#chains.set(name, { name, base, rules });
  }

  /** A chain named after its content: equal chains are one, and a chain never changes under its name. */
  chain(kind: "block" | "stage" | "class" | "revoked", rules: readonly Rule[]): Name {
    const name = hashedName(kind, JSON.stringify(rules));
    if (!this.#chains.has(name)) this.#chains.set(name, { name, base: null, rules });
    return name;
  }

  /** `kind_` and 64 bits of a hash of the content. */
  nameOf(kind: string, content: string): Name {
    const key = `${kind} ${content}`;
    const name = this.#names.get(key) ?? hashedName(kind, content);
    this.#names.set(key, name);
    return name;
  }

  problem(subject: string, sentence: string): void {
    this.#problems.set(`${subject} ${sentence}`, { subject, sentence });
  }

  finish(): { readonly ruleset: Ruleset; readonly problems: readonly Problem[] } {
    const ruleset = { sets: sorted(this.#sets), maps: sorted(this.#maps), chains: sorted(this.#chains) };
    return { ruleset, problems: [...this.#problems.values()] };
  }
}

function hashedName(kind: string, content: string): Name {
  return nameOf(`${kind}_${createHash("sha256").update(content).digest("hex").slice(0, 16)}`);
}

function sorted<T>(objects: ReadonlyMap<Name, T>): ReadonlyMap<Name, T> {
  return new Map([...objects].sort(([a], [b]) => (a < b ? -1 : 1)));
}

import type { RuleId } from "../../core/rule-id.ts";
import type { Direction, Program } from "../program.ts";
import { type Share, shareKey } from "../space/shares.ts";
import { type Decider, deciderKey, deciderOf, isPolicy, nobody } from "./decider.ts";

/** Some connections are decided alike in two situations, though the rules about them differ. */
export interface Handover {
  /**
   * `taken`: what one decided, another decides now. `restated`: it is the same one, with another rule. `overruled`: rules that differ
   * are about them and never have a say, as the one end denies before the other is asked.
   */
  readonly kind: "taken" | "restated" | "overruled";
  /** Of an overruled rule what it would do. */
  readonly action: Share["action"];
  /** Who decided before, or is overruled. */
  readonly was: Decider;
  /** Who decides. */
  readonly now: Decider;
  /** Equal for equal ones. */
  readonly key: string;
}

/** Tells handovers by the shares that some connections have before and after. */
export class Handovers {
  readonly #rules: readonly Program["rules"][];
  readonly #known = new Map<string, readonly Handover[]>();

  constructor(...rules: readonly Program["rules"][]) {
    this.#rules = rules;
  }

  between(was: Share, now: Share): readonly Handover[] {
    return this.#once(`${shareKey(was)} > ${shareKey(now)}`, () => this.#between(was, now));
  }

  /** `later` has to do with connections that are denied before. */
  overruled(denial: Share, later: Share): readonly Handover[] {
    return this.#once(`${shareKey(denial)} < ${shareKey(later)}`, () => {
      const others = this.#words(later).filter(({ rule, decider }) => isPolicy(decider) && this.#differs(rule));
      const deniers = this.#words(denial).filter(({ rule }) => !later.by.includes(rule));
      const pairs = others.flatMap((was) => deniers.map((now) => [was.decider, now.decider] as const));
      return pairs.map((pair) => handover("overruled", later.action, ...pair));
    });
  }

  #once(key: string, find: () => readonly Handover[]): readonly Handover[] {
    const known = this.#known.get(key) ?? find();
    this.#known.set(key, known);
    return known;
  }

  /** What both ends must allow is compared end by end. */
  #between(was: Share, now: Share): readonly Handover[] {
    if (was.action !== now.action) return [];
    if (was.action === "deny") return exchanged("deny", this.#words(was), this.#words(now));
    return (["egress", "ingress"] as const).flatMap((direction) =>
      exchanged("allow", this.#words(was, direction), this.#words(now, direction)),
    );
  }

  #differs(rule: RuleId): boolean {
    return new Set(this.#rules.map((rules) => rules.has(rule))).size > 1;
  }

  /** The rules of a share, of one direction if it is given, and who decides with them. */
  #words({ by }: Share, direction?: Direction): readonly Word[] {
    return by.flatMap((rule) => {
      const origin = this.#rules.map((rules) => rules.get(rule)).find((origin) => origin !== undefined);
      if (origin === undefined || (direction !== undefined && origin.direction !== direction)) return [];
      const decider = deciderOf(origin);
      return [{ rule, decider, key: deciderKey(decider) }];
    });
  }
}

interface Word {
  readonly rule: RuleId;
  readonly decider: Decider;
  readonly key: string;
}

function exchanged(action: Share["action"], was: readonly Word[], now: readonly Word[]): readonly Handover[] {
  const [gone, come] = [without(was, now), without(now, was)];
  const same = was.filter(({ key, rule }) => now.some((word) => word.key === key && word.rule !== rule));
  const restated = same.map(({ decider }) => handover("restated", action, decider, decider));
  if (gone.length + come.length === 0) return restated.filter(isOfPolicies);
  const [from, to] = [decidersOf(gone, was), decidersOf(come, now)];
  const taken = from.flatMap((was) => to.map((now) => handover("taken", action, was, now)));
  return [...restated, ...taken].filter(isOfPolicies);
}

function handover(kind: Handover["kind"], action: Share["action"], was: Decider, now: Decider): Handover {
  return { kind, action, was, now, key: `${kind} ${action} ${deciderKey(was)} ${deciderKey(now)}` };
}

function isOfPolicies({ was, now }: Handover): boolean {
  return isPolicy(was) || isPolicy(now);
}

function without(words: readonly Word[], others: readonly Word[]): readonly Word[] {
  return words.filter(({ key }) => !others.some((other) => other.key === key));
}

/** Where nobody in particular came or went, it is all who have a say. */
function decidersOf(some: readonly Word[], all: readonly Word[]): readonly Decider[] {
  const words = some.length > 0 ? some : all;
  return words.length === 0 ? [nobody] : words.map(({ decider }) => decider);
}

import type { Direction, Program } from "../program.ts";
import { type Share, shareKey } from "../space/shares.ts";
import { type Decider, deciderKey, deciderOf, isPolicy, nobody } from "./decider.ts";

/** That what one decided is decided alike by another; or by itself, with another rule. */
export interface Handover {
  readonly action: Share["action"];
  readonly was: Decider;
  readonly now: Decider;
  /** Equal for equal ones. */
  readonly key: string;
}

/** Who hands over to whom, of connections that had one share and now have another. */
export class Handovers {
  readonly #rules: readonly Program["rules"][];
  readonly #known = new Map<string, readonly Handover[]>();

  constructor(...rules: readonly Program["rules"][]) {
    this.#rules = rules;
  }

  between(was: Share, now: Share): readonly Handover[] {
    const key = `${shareKey(was)} > ${shareKey(now)}`;
    const known = this.#known.get(key) ?? this.#between(was, now);
    this.#known.set(key, known);
    return known;
  }

  /** What both ends must allow is compared end by end. */
  #between(was: Share, now: Share): readonly Handover[] {
    if (was.action !== now.action) return [];
    if (was.action === "deny") return handovers("deny", this.#words(0, was), this.#words(1, now));
    return (["egress", "ingress"] as const).flatMap((direction) =>
      handovers("allow", this.#words(0, was, direction), this.#words(1, now, direction)),
    );
  }

  /** The rules of a share, of one direction if it is given, by who decides with them. */
  #words(situation: number, { by }: Share, direction?: Direction): readonly Word[] {
    return by.flatMap((rule) => {
      const origin = this.#rules[situation]?.get(rule);
      if (origin === undefined || (direction !== undefined && origin.direction !== direction)) return [];
      const decider = deciderOf(origin);
      return [{ rule, decider, key: deciderKey(decider) }];
    });
  }
}

interface Word {
  readonly rule: string;
  readonly decider: Decider;
  readonly key: string;
}

function handovers(action: Share["action"], was: readonly Word[], now: readonly Word[]): readonly Handover[] {
  const [gone, come] = [without(was, now), without(now, was)];
  const restated = was.filter(({ key, rule }) => now.some((word) => word.key === key && word.rule !== rule));
  const same = restated.map(({ decider }) => [decider, decider] as const);
  const [from, to] = gone.length + come.length === 0 ? [[], []] : [decidersOf(gone, was), decidersOf(come, now)];
  const others = from.flatMap((was) => to.map((now) => [was, now] as const));
  return [...same, ...others]
    .filter((both) => both.some(isPolicy))
    .map(([was, now]) => ({ action, was, now, key: `${action} ${deciderKey(was)} ${deciderKey(now)}` }));
}

function without(words: readonly Word[], others: readonly Word[]): readonly Word[] {
  return words.filter(({ key }) => !others.some((other) => other.key === key));
}

/** Where nobody in particular came or went, it is all who have a say. */
function decidersOf(some: readonly Word[], all: readonly Word[]): readonly Decider[] {
  const words = some.length > 0 ? some : all;
  return words.length === 0 ? [nobody] : words.map(({ decider }) => decider);
}

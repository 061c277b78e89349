import type { Selector } from "./syntax.ts";

/** A label that somebody has: with this value, or (null) with any. */
export interface LabelKey {
  readonly label: string;
  readonly value: string | null;
}

/**
 * Whomever the selector selects has at least one of these labels; undefined where it may select anybody. Of the ways that a
 * conjunction offers the one of the least cost is taken.
 */
export function requiredKeys(
  selector: Selector,
  cost: (keys: readonly LabelKey[]) => number,
): readonly LabelKey[] | undefined {
  switch (selector.op) {
    case "==":
      return [{ label: selector.label, value: selector.value }];
    case "in":
      return [...new Set(selector.values)].map((value) => ({ label: selector.label, value }));
    case "has":
    case "contains":
    case "starts with":
    case "ends with":
      return [{ label: selector.label, value: null }];
    case "and": {
      const ways = selector.terms.map((term) => requiredKeys(term, cost)).filter((keys) => keys !== undefined);
      return ways.reduce<readonly LabelKey[] | undefined>(
        (best, next) => (best !== undefined && cost(best) <= cost(next) ? best : next),
        undefined,
      );
    }
    case "or": {
      const parts = selector.terms.map((term) => requiredKeys(term, cost));
      return parts.every((keys) => keys !== undefined) ? parts.flat() : undefined;
    }
    case "all":
    case "global":
    case "not":
    case "!=":
    case "not in":
      return undefined;
  }
}

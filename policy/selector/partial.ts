import { type Labels, matches, type Selector } from "./syntax.ts";

/** Yes, no, or nobody knows. */
export type Truth = boolean | null;

/** Labels of which some may have been lost: nobody knows whether they were there, and with which value. */
export interface PartialLabels {
  readonly labels: Labels;
  readonly isLost: (label: string) => boolean;
}

/** As `matches`, for labels that are not all known: yes or no only where it holds whatever the lost ones were (Kleene's logic). */
export function partlyMatches(selector: Selector, known: PartialLabels): Truth {
  switch (selector.op) {
    case "all":
    case "global":
      return true;
    case "not":
      return not(partlyMatches(selector.term, known));
    case "and":
      return all(selector.terms, (term) => partlyMatches(term, known));
    case "or":
      return not(all(selector.terms, (term) => not(partlyMatches(term, known))));
    case "has":
    case "in":
    case "not in":
    case "==":
    case "!=":
    case "contains":
    case "starts with":
    case "ends with":
      return known.isLost(selector.label) ? null : matches(selector, known.labels);
  }
}

/** No if any is no; else unknown if any is unknown. */
export function all<T>(items: readonly T[], truthOf: (item: T) => Truth): Truth {
  let result: Truth = true;
  for (const item of items) {
    const truth = truthOf(item);
    if (truth === false) return false;
    if (truth === null) result = null;
  }
  return result;
}

/** Yes if any is yes; else unknown if any is unknown. */
export function any<T>(items: readonly T[], truthOf: (item: T) => Truth): Truth {
  return not(all(items, (item) => not(truthOf(item))));
}

export function both(a: Truth, b: Truth): Truth {
  return a === false || b === false ? false : a === null || b === null ? null : true;
}

export function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

import type { PartialLabels } from "./partial.ts";
import { matches, type Selector } from "./syntax.ts";

/** What a selector still asks of the labels that are not known; true or false where it asks nothing any more. */
export function residual(selector: Selector, known: PartialLabels): Selector | boolean {
  switch (selector.op) {
    case "all":
    case "global":
      return true;
    case "not": {
      const term = residual(selector.term, known);
      return typeof term === "boolean" ? !term : { op: "not", term };
    }
    case "and":
    case "or":
      return joined(selector.op, selector.terms, known);
    case "has":
    case "in":
    case "not in":
    case "==":
    case "!=":
    case "contains":
    case "starts with":
    case "ends with":
      return known.isLost(selector.label) ? selector : matches(selector, known.labels);
  }
}

function joined(op: "and" | "or", terms: readonly Selector[], known: PartialLabels): Selector | boolean {
  const decisive = op === "or";
  const rest: Selector[] = [];
  for (const term of terms) {
    const left = residual(term, known);
    if (left === decisive) return decisive;
    if (typeof left !== "boolean") rest.push(left);
  }
  const [only, ...others] = rest;
  if (only === undefined) return !decisive;
  return others.length === 0 ? only : { op, terms: rest };
}

import { exact } from "../../core/exact.ts";
/**
 * The label selector language of projectcalico.org/v3 as a tree.
 *
 * or  => and ("||" and)*      and => not ("&&" not)*      not => "!"* term
 * term => has(L) | all() | global() | L "==" S | L "!=" S | L contains S | L starts with S | L ends with S
 *       | L in {S, …} | L not in {S, …} | "(" or ")"
 */
export type Selector =
  | { readonly op: "all" }
  | { readonly op: "global" }
  | { readonly op: "has"; readonly label: string }
  | { readonly op: Comparison; readonly label: string; readonly value: string }
  | { readonly op: "in" | "not in"; readonly label: string; readonly values: readonly string[] }
  | { readonly op: "not"; readonly term: Selector }
  | { readonly op: "and" | "or"; readonly terms: readonly Selector[] };

export type Comparison = "==" | "!=" | "contains" | "starts with" | "ends with";

export type Labels = Readonly<Record<string, string>>;

/** True if the labels satisfy the selector. `!=` and `not in` hold for an absent label, all other comparisons do not. */
export function matches(selector: Selector, labels: Labels): boolean {
  switch (selector.op) {
    case "all":
    case "global":
      return true;
    case "has":
      return Object.hasOwn(labels, selector.label);
    case "not":
      return !matches(selector.term, labels);
    case "and":
      for (const term of selector.terms) if (!matches(term, labels)) return false;
      return true;
    case "or":
      for (const term of selector.terms) if (matches(term, labels)) return true;
      return false;
    case "in":
      return isOneOf(labelValue(labels, selector.label), selector.values);
    case "not in":
      return !isOneOf(labelValue(labels, selector.label), selector.values);
    case "==":
      return labelValue(labels, selector.label) === selector.value;
    case "!=":
      return labelValue(labels, selector.label) !== selector.value;
    case "contains":
      return labelValue(labels, selector.label)?.includes(selector.value) ?? false;
    case "starts with":
      return labelValue(labels, selector.label)?.startsWith(selector.value) ?? false;
    case "ends with":
      return labelValue(labels, selector.label)?.endsWith(selector.value) ?? false;
  }
}

/** One text for all selectors that differ only in blanks, quotes, parentheses or the order of set members. */
export function canonical(selector: Selector): string {
  switch (selector.op) {
    case "all":
      return "all()";
    case "global":
      return "global()";
    case "has":
      return `has(${selector.label})`;
    case "not":
      return `!${canonical(selector.term)}`;
    case "and":
      return `(${selector.terms.map(canonical).join(" && ")})`;
    case "or":
      return `(${selector.terms.map(canonical).join(" || ")})`;
    case "in":
    case "not in":
      return `${selector.label} ${selector.op} {${[...new Set(selector.values)].sort().map(quote).join(", ")}}`;
    case "==":
    case "!=":
    case "contains":
    case "starts with":
    case "ends with":
      return `${selector.label} ${selector.op} ${quote(selector.value)}`;
  }
}

/** All terms at once; of none it is `all()`. */
export function conjunction(terms: readonly Selector[]): Selector {
  const first = terms[0];
  if (first === undefined) return { op: "all" };
  return terms.length === 1 ? first : { op: "and", terms: exact(terms) };
}

function labelValue(labels: Labels, label: string): string | undefined {
  return Object.hasOwn(labels, label) ? labels[label] : undefined;
}

function isOneOf(value: string | undefined, values: readonly string[]): boolean {
  return value !== undefined && values.includes(value);
}

/** The language has no escapes: a value holds at most one kind of quote. */
function quote(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

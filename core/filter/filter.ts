import type { Cidr } from "../address.ts";
import type { FieldName } from "./fields.ts";

/**
 * What to look for, as a tree: made by parse.ts from text or by the command line from flags. Compiled to a predicate in
 * predicate.ts, to SQL by sinks/archive; all are held to one table of tests.
 */
export type Filter =
  | { readonly op: "and" | "or"; readonly terms: readonly Filter[] }
  | { readonly op: "not"; readonly term: Filter }
  | Test;

/** Holds if any value of the field (a field such as `ns` has one for each end) compares with any of `values`. */
export interface Test {
  readonly op: "test";
  readonly field: FieldName;
  /** The label's key, of fields of type labels; else null. */
  readonly key: string | null;
  readonly comparator: Comparator;
  readonly values: readonly Value[];
}

/** `~` is a pattern with `*` and `?`; `exists` has no values. */
export type Comparator = "=" | "<" | "<=" | ">" | ">=" | "~" | "exists";

/** Of the type that the field wants; times in microseconds. */
export type Value = string | number | boolean | Cidr;

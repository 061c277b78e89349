import type { FieldName } from "./fields.ts";
import type { Comparator, Filter, Test, Value } from "./filter.ts";

// Filters made by programs, in the shape that the parser gives them: no list of one term.

export function allOf(terms: readonly Filter[]): Filter | null {
  return terms.length > 1 ? { op: "and", terms } : (terms[0] ?? null);
}

export function anyOf(first: Filter, ...others: readonly Filter[]): Filter {
  return others.length === 0 ? first : { op: "or", terms: [first, ...others] };
}

export const not = (term: Filter): Filter => ({ op: "not", term });

export function test(
  field: FieldName,
  comparator: Comparator,
  values: readonly Value[],
  key: string | null = null,
): Test {
  return { op: "test", field, key, comparator, values };
}

import fc from "fast-check";
import type { Selector } from "../../policy/selector/syntax.ts";

/** Selectors of every kind over such labels and values. */
export function arbitrarySelector(label: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Selector> {
  const leaf: fc.Arbitrary<Selector> = fc.oneof(
    fc.constantFrom<Selector>({ op: "all" }, { op: "global" }),
    fc.record({ op: fc.constant("has" as const), label }),
    fc.record({
      op: fc.constantFrom(
        "==" as const,
        "!=" as const,
        "contains" as const,
        "starts with" as const,
        "ends with" as const,
      ),
      label,
      value,
    }),
    fc.record({
      op: fc.constantFrom("in" as const, "not in" as const),
      label,
      values: fc.array(value, { maxLength: 3 }),
    }),
  );
  return fc.letrec<{ selector: Selector }>((tie) => ({
    selector: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.record({ op: fc.constant("not" as const), term: leaf }),
      fc.record({
        op: fc.constantFrom("and" as const, "or" as const),
        terms: fc.array(tie("selector"), { minLength: 2, maxLength: 3 }),
      }),
    ),
  })).selector;
}

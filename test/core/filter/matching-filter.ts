import fc from "fast-check";
import { parseCidr } from "../../../core/address.ts";
import { type FieldName, fields } from "../../../core/filter/fields.ts";
import type { Comparator, Filter, Test, Value } from "../../../core/filter/filter.ts";
import { valuesOf } from "../../../core/filter/values.ts";
import type { Flow } from "../../../core/records/flow.ts";

// Filters that given flows are likely to match: for every field, by values that some of them have and by patterns of these, nested.

const names = Object.keys(fields) as FieldName[];
const prefixes = ["10.0.0.0/8", "fd00::/8", "::/0", "0.0.0.0/0", "::/96", "10.96.0.0/31", "::ffff:0:0/90"].map(
  parseCidr,
);

export function filtersMatching(flows: readonly Flow[], labels: readonly string[]): fc.Arbitrary<Filter> {
  const anyTest = fc.constantFrom(...names).chain((field) => {
    const keys = fields[field].type === "labels" ? fc.constantFrom(...labels) : fc.constant(null);
    return keys.chain((key) => testsOf(field, key, [...new Set(flows.flatMap((flow) => valuesOf(flow, field, key)))]));
  });
  return fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      anyTest,
      fc.record({ op: fc.constant("not" as const), term: tie("filter") }),
      fc.record({
        op: fc.constantFrom("and" as const, "or" as const),
        terms: fc.array(tie("filter"), { maxLength: 3 }),
      }),
    ),
  })).filter;
}

function testsOf(field: FieldName, key: string | null, seen: readonly (string | number | boolean)[]) {
  const made =
    (comparator: Comparator) =>
    (values: readonly Value[]): Test => ({ op: "test", field, key, comparator, values });
  const exists = fc.constant(made("exists")([]));
  if (seen.length === 0 && fields[field].type !== "text") return exists;
  const some = fc.array(fc.constantFrom(...(seen.length === 0 ? ["none"] : seen)), { minLength: 1, maxLength: 3 });
  switch (fields[field].type) {
    case "address":
      return fc.oneof(
        fc.array(fc.constantFrom(...prefixes), { minLength: 1, maxLength: 2 }).map(made("=")),
        some.map((list) => made("=")(list.map((address) => parseCidr(String(address))))),
        exists,
      );
    case "number":
    case "time": {
      const order = fc.constantFrom<Comparator>("=", "<", "<=", ">", ">=");
      return fc.oneof(
        fc.tuple(order, some).map(([comparator, list]) => made(comparator)(list)),
        exists,
      );
    }
    case "boolean":
      return fc.oneof(some.map(made("=")), exists);
    case "text":
    case "labels":
      return fc.oneof(
        some.map(made("=")),
        some.map((list) => made("~")(list.map((text) => String(text).replace(/.$/u, "*").replace(/^./u, "?")))),
        some.map((list) => made("~")(list.map((text) => String(text).replace(/^(.).+(.)$/u, "$1*$2")))),
        some.map(made("~")),
        exists,
      );
  }
}

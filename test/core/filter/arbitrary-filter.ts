import fc, { type Arbitrary } from "fast-check";
import { parseCidr } from "../../../core/address.ts";
import { type Field, type FieldName, fields } from "../../../core/filter/fields.ts";
import type { Comparator, Filter, Test, Value } from "../../../core/filter/filter.ts";
import { isPort } from "../../../core/filter/literal.ts";

const names = Object.keys(fields) as FieldName[];
const text = fc.string({ unit: "binary", maxLength: 12 });

function anyValue(name: FieldName): Arbitrary<Value> {
  const field: Field = fields[name];
  if (name === "protocol") return fc.constantFrom("tcp", "udp", "icmp", "47", "0");
  switch (field.type) {
    case "text":
      return field.values === undefined ? text : fc.constantFrom(...field.values);
    case "labels":
      return text;
    case "number":
      return fc.nat({ max: isPort(name) ? 65_535 : Number.MAX_SAFE_INTEGER });
    case "address":
      return fc.constantFrom("10.0.0.0/8", "10.1.2.3", "::/0", "fd00::1", "0.0.0.0/0").map(parseCidr);
    case "time":
      return fc.nat({ max: 4_000_000_000_000_000 });
    case "boolean":
      return fc.boolean();
  }
}

function comparatorsOf(name: FieldName): readonly Comparator[] {
  const { type } = fields[name];
  if (type === "text" || type === "labels") return name === "protocol" ? ["=", "exists"] : ["=", "~", "exists"];
  return type === "number" || type === "time" ? ["=", "<", "<=", ">", ">=", "exists"] : ["=", "exists"];
}

const anyTest: Arbitrary<Test> = fc.constantFrom(...names).chain((field) =>
  fc.constantFrom(...comparatorsOf(field)).chain((comparator) => {
    const isOne = comparator.startsWith("<") || comparator.startsWith(">");
    const values = fc.array(anyValue(field), { minLength: 1, maxLength: isOne ? 1 : 3 });
    return fc.record(
      {
        op: fc.constant("test" as const),
        field: fc.constant(field),
        key: fields[field].type === "labels" ? text.filter((key) => key !== "") : fc.constant(null),
        comparator: fc.constant(comparator),
        values: comparator === "exists" ? fc.constant([]) : values,
      },
      { noNullPrototype: true },
    );
  }),
);

/** Any filter that a parser can make. */
export const anyFilter: Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    anyTest,
    fc.record(
      { op: fc.constantFrom("and", "or"), terms: fc.array(tie("filter"), { minLength: 2, maxLength: 3 }) },
      { noNullPrototype: true },
    ),
    fc.record({ op: fc.constant("not"), term: tie("filter") }, { noNullPrototype: true }),
  ),
})).filter;

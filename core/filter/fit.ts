import { SluiceError } from "../errors.ts";
import { type FieldType, fields } from "./fields.ts";
import type { Comparator, Filter, Test, Value } from "./filter.ts";

const order: readonly Comparator[] = ["=", "<", "<=", ">", ">=", "exists"];

const comparators: Readonly<Record<FieldType, readonly Comparator[]>> = {
  text: ["=", "~", "exists"],
  labels: ["=", "~", "exists"],
  number: order,
  time: order,
  address: ["=", "exists"],
  boolean: ["=", "exists"],
};

/** Throws FILTER_INVALID if a test compares a field in a way, or with a value, that its type does not know. What a parser made fits. */
export function checkFit(filter: Filter): void {
  if (filter.op === "not") checkFit(filter.term);
  else if (filter.op === "test") checkTest(filter);
  else for (const term of filter.terms) checkFit(term);
}

function checkTest(test: Test): void {
  const { type } = fields[test.field];
  const isFit = comparators[type].includes(test.comparator) && test.values.every((value) => fits(value, type));
  if (!isFit) throw unfit(test);
}

export function unfit({ field, comparator }: Test): SluiceError {
  const message = `${field} is of type ${fields[field].type} and cannot be compared by "${comparator}" with such a value`;
  return new SluiceError("FILTER_INVALID", message);
}

function fits(value: Value, type: FieldType): boolean {
  switch (type) {
    case "text":
    case "labels":
      return typeof value === "string";
    case "number":
    case "time":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "address":
      return typeof value === "object";
  }
}

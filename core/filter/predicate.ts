import { type Address, type Cidr, cidrContains, formatAddress, widthOf } from "../address.ts";
import type { Flow } from "../records/flow.ts";
import type { Filter, Test, Value } from "./filter.ts";
import { matchesPattern } from "./pattern.ts";
import { type FieldValue, valuesOf } from "./values.ts";

type Predicate = (flow: Flow) => boolean;

/** What a field means on a flow: values.ts says it, and core/flow-access of flows that are seen in part. */
type Values = typeof valuesOf;

/** Whether a flow is one of those a filter looks for. */
export function predicateOf(filter: Filter, values: Values = valuesOf): Predicate {
  switch (filter.op) {
    case "and": {
      const terms = filter.terms.map((term) => predicateOf(term, values));
      return (flow) => terms.every((holds) => holds(flow));
    }
    case "or": {
      const terms = filter.terms.map((term) => predicateOf(term, values));
      return (flow) => terms.some((holds) => holds(flow));
    }
    case "not": {
      const holds = predicateOf(filter.term, values);
      return (flow) => !holds(flow);
    }
    case "test":
      return testOf(filter, values);
  }
}

function testOf({ field, key, comparator, values: wanted }: Test, values: Values): Predicate {
  if (comparator === "exists") return (flow) => values(flow, field, key).length > 0;
  const comparisons = wanted.map((value) => comparisonWith(comparator, value));
  return (flow) => values(flow, field, key).some((found) => comparisons.some((holds) => holds(found)));
}

type Comparison = (found: FieldValue) => boolean;

function comparisonWith(comparator: Exclude<Test["comparator"], "exists">, value: Value): Comparison {
  if (typeof value === "object") return isWithin(value);
  switch (comparator) {
    case "=":
      return (found) => found === value;
    case "<":
      return (found) => found < value;
    case "<=":
      return (found) => found <= value;
    case ">":
      return (found) => found > value;
    case ">=":
      return (found) => found >= value;
    case "~":
      return (found) => matchesPattern(String(value), String(found));
  }
}

/** Most tests name one address, which needs no arithmetic. */
function isWithin(cidr: Cidr): Comparison {
  if (cidr.bits < widthOf(cidr.family)) return (found) => cidrContains(cidr, found as Address);
  const address = formatAddress(cidr.family, cidr.base);
  return (found) => found === address;
}

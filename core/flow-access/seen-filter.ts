import { allOf, test } from "../filter/build.ts";
import type { FieldName } from "../filter/fields.ts";
import type { Filter } from "../filter/filter.ts";
import { predicateOf } from "../filter/predicate.ts";
import { type FieldValue, valuesOf } from "../filter/values.ts";
import type { Flow } from "../records/flow.ts";
import { isHidden, type Readable, seenFlow } from "./seen-flow.ts";

/**
 * Whether a record is one that a filter looks for, as its reader sees it: what is hidden has no value, so that nobody learns it by asking for it.
 * A record that is not seen is none.
 */
export function seenPredicate(filter: Filter | null, readable: Readable): (flow: Flow) => boolean {
  const holds = filter === null ? () => true : predicateOf(filter, seenValues);
  return (flow) => {
    const seen = seenFlow(flow, readable);
    return seen !== undefined && holds(seen);
  };
}

type Side = "source" | "destination";

/** Whose addresses a field has. */
const sidesOf: Partial<Record<FieldName, readonly Side[]>> = {
  "src.ip": ["source"],
  "dst.ip": ["destination"],
  ip: ["source", "destination"],
};

/** Values of a field on a record that `seenFlow` gave. */
export function seenValues(flow: Flow, field: FieldName, key: string | null = null): readonly FieldValue[] {
  if (field === "node" && flow.node === "") return [];
  const values = valuesOf(flow, field, key);
  const hidden = (sidesOf[field] ?? []).filter((side) => isAddressHidden(flow, side));
  return hidden.length === 0
    ? values
    : values.filter((value) => !hidden.some((side) => addressOf(flow, side) === value));
}

const addressOf = (flow: Flow, side: Side) => (side === "source" ? flow.sourceAddress : flow.destinationAddress);

function isAddressHidden(flow: Flow, side: Side): boolean {
  const [address, end] = [addressOf(flow, side), flow[side]];
  return (address === "0.0.0.0" || address === "::") && (end === null || end.kind === "unknown" || isHidden(end));
}

/** What is the same for whoever sees the record. */
const open: ReadonlySet<FieldName> = new Set<FieldName>([
  ...(["time", "verdict", "reason", "reporter", "authoritative", "state", "end", "replied", "mode"] as const),
  ...(["verdict.source", "cluster", "protocol", "src.port", "dst.port", "port", "src.kind", "dst.kind"] as const),
  ...(["src.ns", "dst.ns", "ns", "policy.revision", "bytes", "packets"] as const),
]);

/**
 * A filter for stores, which know nothing of readers: chooses all that `seenPredicate` does and nothing that is not seen, but possibly more of
 * that. Hidden values are missing from what is seen and never added, so a test may stand as it is; where it is negated it may not.
 */
export function askedFilter(filter: Filter | null, readable: ReadonlySet<string>): Filter {
  const seen = test("ns", "=", [...readable].sort());
  const asked = filter === null ? undefined : widened(filter, false);
  return asked === undefined ? seen : (allOf([seen, asked]) as Filter);
}

/** Undefined: what cannot be asked, so anything may be (negated: nothing is sure to be). */
function widened(filter: Filter, isNegated: boolean): Filter | undefined {
  switch (filter.op) {
    case "test":
      return isNegated && !open.has(filter.field) ? undefined : filter;
    case "not": {
      const term = widened(filter.term, !isNegated);
      return term === undefined ? undefined : { op: "not", term };
    }
    case "and":
    case "or": {
      const terms = filter.terms.map((term) => widened(term, isNegated));
      const known = terms.filter((term) => term !== undefined);
      // Leaving a term out widens an "and"; below "not" it is an "or" that may be narrowed so.
      const mayLeaveOut = filter.op === (isNegated ? "or" : "and");
      if (known.length < terms.length && !mayLeaveOut) return undefined;
      return known.length === 0 && terms.length > 0 ? undefined : { op: filter.op, terms: known };
    }
  }
}

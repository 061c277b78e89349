// The few words of Elasticsearch's query language that we use, as values. All stand in filter context: nothing is scored.

export type Query = { readonly [word: string]: unknown };

export const everything: Query = { match_all: {} };
export const nothing: Query = { match_none: {} };

interface Bool {
  readonly filter?: readonly Query[];
  readonly should?: readonly Query[];
  readonly must_not?: readonly Query[];
}

/** Negated terms stand beside the others rather than within, as Elasticsearch bounds how deep a query nests. */
export function allOf(queries: readonly Query[]): Query {
  const terms = queries.flatMap(conjuncts).filter((term) => term !== everything);
  if (terms.includes(nothing)) return nothing;
  if (terms.length <= 1) return terms[0] ?? everything;
  const filter = terms.filter((term) => negatedOf(term) === undefined);
  const must_not = terms.map(negatedOf).filter((term) => term !== undefined);
  return bool({ ...(filter.length > 0 && { filter }), ...(must_not.length > 0 && { must_not }) });
}

export function anyOf(queries: readonly Query[]): Query {
  const terms = queries.flatMap(disjuncts).filter((term) => term !== nothing);
  if (terms.includes(everything)) return everything;
  return terms.length <= 1 ? (terms[0] ?? nothing) : bool({ should: terms });
}

/** Holds of every document of which the other does not: also of those that lack its field. */
export function not(query: Query): Query {
  if (query === everything) return nothing;
  if (query === nothing) return everything;
  return negatedOf(query) ?? bool({ must_not: disjuncts(query) });
}

export const exists = (field: string): Query => ({ exists: { field } });

/** One of the values, of which there is one or more. */
export function isOneOf(field: string, values: readonly (string | number | boolean)[]): Query {
  return values.length === 1 ? { term: { [field]: values[0] } } : { terms: { [field]: values } };
}

export interface Bounds {
  readonly gt?: string | number;
  readonly gte?: string | number;
  readonly lt?: string | number;
  readonly lte?: string | number;
}

export const within = (field: string, bounds: Bounds): Query => ({ range: { [field]: bounds } });

const bool = (parts: Bool): Query => ({ bool: parts });
const boolOf = (query: Query): Bool | undefined => query["bool"] as Bool | undefined;

/** What must hold, each for itself; whoever negates several things negates each. */
function conjuncts(query: Query): readonly Query[] {
  const { filter = [], should, must_not = [] } = boolOf(query) ?? { should: [] };
  return should === undefined ? [...filter, ...must_not.map((term) => bool({ must_not: [term] }))] : [query];
}

/** Of which one must hold. */
function disjuncts(query: Query): readonly Query[] {
  return boolOf(query)?.should ?? [query];
}

/** What a query negates that says nothing else. */
function negatedOf(query: Query): Query | undefined {
  const { filter, should, must_not = [] } = boolOf(query) ?? {};
  return filter === undefined && should === undefined && must_not.length === 1 ? must_not[0] : undefined;
}

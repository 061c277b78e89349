import type { Cidr } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { type FieldName, fields } from "../../core/filter/fields.ts";
import type { Comparator, Filter, Test } from "../../core/filter/filter.ts";
import { checkFit } from "../../core/filter/fit.ts";
import { protocolsWithPorts } from "../../core/filter/values.ts";
import { isWithin } from "./addresses.ts";
import { timeText } from "./documents/forms.ts";
import { type Place, places, protocolNumber } from "./filter-places.ts";
import { allOf, anyOf, type Bounds, everything, exists, isOneOf, not, nothing, type Query, within } from "./query.ts";
import { beginOf, isLike, simplified } from "./text-match.ts";
import { firstTime, lastTime } from "./times.ts";

/** Labels of which the values are like a pattern. `flattened` fields know no patterns, so these values have to be looked up before. */
export interface LabelPattern {
  /** `sluice.source.labels` */
  readonly field: string;
  readonly key: string;
  readonly pattern: string;
}

/** The values, as they were looked up. */
export type LabelValues = (pattern: LabelPattern) => readonly string[];

/** What has to be looked up before a filter can be a query. */
export function labelPatternsOf(filter: Filter): readonly LabelPattern[] {
  switch (filter.op) {
    case "and":
    case "or":
      return filter.terms.flatMap(labelPatternsOf);
    case "not":
      return labelPatternsOf(filter.term);
    case "test": {
      const { field, key, comparator, values } = filter;
      const place = places[field];
      if (place.at !== "labels" || key === null || comparator !== "~") return [];
      const unclear = values.map(String).filter((pattern) => !isClear(pattern));
      return place.of.flatMap((of) => unclear.map((pattern) => ({ field: of, key, pattern })));
    }
  }
}

/** indices.query.bool.max_nested_depth, by default. */
const deepest = 30;

/**
 * A query that chooses the documents of the flows that the filter chooses. A document that lacks a field fails every test of it, so that `not`
 * of a test holds there: as in memory, two values and no third. Throws FILTER_INVALID for what fits no field, and for what nests too deep.
 */
export function queryOf(filter: Filter, labels: LabelValues = () => []): Query {
  checkFit(filter);
  const query = queryOfAny(filter, labels);
  if (depthOf(query) <= deepest) return query;
  throw new SluiceError("FILTER_INVALID", `Elasticsearch takes no filter that is nested deeper than ${deepest} levels`);
}

function queryOfAny(filter: Filter, labels: LabelValues): Query {
  switch (filter.op) {
    case "and":
      return allOf(filter.terms.map((term) => queryOfAny(term, labels)));
    case "or":
      return anyOf(filter.terms.map((term) => queryOfAny(term, labels)));
    case "not":
      return not(queryOfAny(filter.term, labels));
    case "test":
      return filter.comparator !== "exists" && filter.values.length === 0 ? nothing : testQuery(filter, labels);
  }
}

function testQuery(test: Test, labels: LabelValues): Query {
  const place: Place = places[test.field];
  switch (place.at) {
    case "text":
    case "boolean":
      return anyOf(place.of.map((field) => valueQuery(test, field)));
    case "labels":
      return test.key === null ? nothing : anyOf(place.of.map((field) => labelQuery(test, field, labels)));
    case "number":
      return anyOf(place.of.map((field) => numberQuery(test, field)));
    case "port":
      return allOf([isOneOf(protocolNumber, withPorts), anyOf(place.of.map((field) => portQuery(test, field)))]);
    case "time":
      return timeQuery(test, place.of);
    case "address":
      return anyOf(place.of.map((field) => addressQuery(test, field)));
    case "service":
      return serviceQuery(test, place.namespace, place.name);
  }
}

const withPorts = protocolsWithPorts.map(String);

function valueQuery({ comparator, values }: Test, field: string): Query {
  if (comparator === "exists") return exists(field);
  if (comparator === "~") return anyOf(values.map((value) => isLike(field, String(value))));
  return isOneOf(field, values as readonly (string | boolean)[]);
}

function labelQuery({ key, comparator, values }: Test, field: string, labels: LabelValues): Query {
  const path = `${field}.${key}`;
  // Not `exists`: there a key with a star is a pattern of keys.
  const hasAny: Query = { prefix: { [path]: { value: "" } } };
  if (comparator === "exists") return hasAny;
  if (comparator === "=") return isOneOf(path, values.map(String));
  const clear = values.map(String).filter(isClear).map(simplified);
  const unclear = values.map(String).filter((pattern) => !isClear(pattern));
  const found = unclear.flatMap((pattern) => labels({ field, key: key as string, pattern }));
  return anyOf([
    ...clear.map((pattern) => (pattern === "*" ? hasAny : isLike(path, pattern))),
    ...(found.length === 0 ? [] : [isOneOf(path, [...new Set(found)])]),
  ]);
}

/** Whether a pattern is a text or the begin of one, which `flattened` fields know. */
function isClear(pattern: string): boolean {
  return beginOf(simplified(pattern)) !== undefined || !/[*?]/.test(pattern);
}

function portQuery(test: Test, field: string): Query {
  if (test.comparator === "exists") return everything;
  const isZero = test.values.some((value) => holds(0, test.comparator, Number(value)));
  return anyOf([numberQuery(test, field), ...(isZero ? [not(exists(field))] : [])]);
}

function holds(number: number, comparator: Comparator, value: number): boolean {
  switch (comparator) {
    case "=":
      return number === value;
    case "<":
      return number < value;
    case "<=":
      return number <= value;
    case ">":
      return number > value;
    case ">=":
      return number >= value;
    case "~":
    case "exists":
      return false;
  }
}

const words = { "<": "lt", "<=": "lte", ">": "gt", ">=": "gte" } as const;

function numberQuery({ comparator, values }: Test, field: string): Query {
  if (comparator === "exists") return exists(field);
  return anyOf(values.map((value) => compared(field, comparator, asLong(Number(value)))));
}

/** Beyond these no record has a number, and Elasticsearch takes none. */
const asLong = (value: number): number => Math.max(-(2 ** 60), Math.min(2 ** 60, value));

function timeQuery({ comparator, values }: Test, field: string): Query {
  if (comparator === "exists") return exists(field);
  return anyOf(
    values.map((value) => {
      const us = Number(value);
      if (us < firstTime) return comparator.startsWith(">") ? exists(field) : nothing;
      if (us > lastTime) return comparator.startsWith("<") ? exists(field) : nothing;
      return compared(field, comparator, timeText(us));
    }),
  );
}

function compared(field: string, comparator: Comparator, value: string | number): Query {
  switch (comparator) {
    case "=":
      return within(field, { gte: value, lte: value });
    case "<":
    case "<=":
    case ">":
    case ">=":
      return within(field, { [words[comparator]]: value } satisfies Bounds);
    case "~":
    case "exists":
      return nothing;
  }
}

function addressQuery({ comparator, values }: Test, field: string): Query {
  if (comparator === "exists") return exists(field);
  return anyOf(values.map((value) => isWithin(field, value as Cidr)));
}

/** Of `namespace/name` each half is compared for itself: where a pattern can have met the slash, it is cut. */
function serviceQuery(test: Test, namespace: string, name: string): Query {
  if (test.comparator === "exists") return exists(name);
  const cuts = test.values.flatMap((value) => cutsOf(String(value), test.comparator === "~"));
  const half = (field: string, text: string) => valueQuery({ ...test, values: [text] }, field);
  return anyOf([
    valueQuery(test, name),
    ...cuts.map(([before, after]) => allOf([half(namespace, before), half(name, after)])),
  ]);
}

function cutsOf(text: string, isPattern: boolean): readonly (readonly [string, string])[] {
  return [...text].flatMap((char, at, chars) => {
    const [before, after] = [chars.slice(0, at).join(""), chars.slice(at + 1).join("")];
    if (isPattern && char === "*") return [[`${before}*`, `*${after}`] as const];
    return char === "/" || (isPattern && char === "?") ? [[before, after] as const] : [];
  });
}

/** How deep boolean queries stand within each other. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value).reduce<number>((deepestYet, part) => Math.max(deepestYet, depthOf(part)), 0);
  return Object.hasOwn(value, "bool") ? inner + 1 : inner;
}

/** Of type labels with its key, as aggregations name it. */
export function pathsOf(field: FieldName, key: string | null): readonly string[] {
  const place = places[field];
  if (place.at === "service") return [place.namespace, place.name];
  if (place.at === "time") return [place.of];
  return fields[field].type === "labels" ? place.of.map((of) => `${of}.${key}`) : place.of;
}

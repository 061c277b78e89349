import { BIGINT, DOUBLE, DuckDBTimestampValue, type DuckDBType, TIMESTAMP, UBIGINT } from "@duckdb/node-api";
import { type Cidr, parseCidr } from "../../core/address.ts";
import type { FieldName } from "../../core/filter/fields.ts";
import type { Comparator, Filter, Test, Value } from "../../core/filter/filter.ts";
import { unfit } from "../../core/filter/fit.ts";
import { protocolNames, protocolsWithPorts } from "../../core/filter/values.ts";
import { rangeOf } from "./address-columns.ts";
import type { SqlValue } from "./database.ts";

/** Values of a statement, named in the order they are met; none ever stands in the SQL itself. */
export class Bindings {
  readonly values: Record<string, SqlValue> = {};
  readonly types: Record<string, DuckDBType> = {};

  /** `$p1` */
  bind(value: SqlValue, type?: DuckDBType): string {
    const name = `p${Object.keys(this.values).length + 1}`;
    this.values[name] = value;
    if (type !== undefined) this.types[name] = type;
    return `$${name}`;
  }

  time(us: number): string {
    return this.bind(new DuckDBTimestampValue(BigInt(Math.round(us))), TIMESTAMP);
  }
}

/** Where the values of a field stand; `valuesOf` of core/filter/values.ts says the same of a record. */
type Place =
  | { readonly at: "text"; readonly of: readonly string[] }
  /** JSON lists of texts. */
  | { readonly at: "list"; readonly of: string }
  | { readonly at: "labels"; readonly of: readonly string[] }
  /** Numbers that mean something only where `when` holds. */
  | { readonly at: "number"; readonly of: readonly string[]; readonly when?: string }
  | { readonly at: "time"; readonly of: string }
  | { readonly at: "boolean"; readonly of: string }
  /** Begin of the names of the two columns. */
  | { readonly at: "address"; readonly of: readonly string[] };

const hasPorts = `protocol in (${protocolsWithPorts.join(", ")})`;
const protocolName = `case protocol ${[...protocolNames].map(([number, name]) => `when ${number} then '${name}'`).join(" ")} end`;

const places: Readonly<Record<FieldName, Place>> = {
  time: { at: "time", of: "start" },
  verdict: { at: "text", of: ["action"] },
  reason: { at: "text", of: ["reason"] },
  reporter: { at: "text", of: ["reporter"] },
  authoritative: { at: "boolean", of: "authoritative" },
  state: { at: "text", of: ["state"] },
  end: { at: "text", of: ["end_reason"] },
  replied: { at: "boolean", of: "replied" },
  mode: { at: "text", of: ["mode"] },
  "verdict.source": { at: "text", of: ["verdict_source"] },
  cluster: { at: "text", of: ["cluster"] },
  node: { at: "text", of: ["node"] },
  protocol: { at: "text", of: [protocolName, "protocol::VARCHAR"] },
  "src.ip": { at: "address", of: ["source_address"] },
  "src.port": { at: "number", of: ["source_port"], when: hasPorts },
  "src.kind": { at: "text", of: ["source_kind"] },
  "src.ns": { at: "text", of: ["source_namespace"] },
  "src.pod": { at: "text", of: ["source_name"] },
  "src.workload": { at: "text", of: ["source_workload"] },
  "src.node": { at: "text", of: ["source_node"] },
  "src.labels": { at: "labels", of: ["source_labels"] },
  "dst.ip": { at: "address", of: ["destination_address"] },
  "dst.port": { at: "number", of: ["destination_port"], when: hasPorts },
  "dst.kind": { at: "text", of: ["destination_kind"] },
  "dst.ns": { at: "text", of: ["destination_namespace"] },
  "dst.pod": { at: "text", of: ["destination_name"] },
  "dst.workload": { at: "text", of: ["destination_workload"] },
  "dst.node": { at: "text", of: ["destination_node"] },
  "dst.labels": { at: "labels", of: ["destination_labels"] },
  "dst.domain": { at: "text", of: ["destination_domain"] },
  ip: { at: "address", of: ["source_address", "destination_address", "nat_destination_address"] },
  port: { at: "number", of: ["source_port", "destination_port"], when: hasPorts },
  ns: { at: "text", of: ["source_namespace", "destination_namespace"] },
  pod: { at: "text", of: ["source_name", "destination_name"] },
  workload: { at: "text", of: ["source_workload", "destination_workload"] },
  labels: { at: "labels", of: ["source_labels", "destination_labels"] },
  service: { at: "text", of: ["service_name", "service_namespace || '/' || service_name"] },
  tier: { at: "list", of: "tiers" },
  policy: { at: "list", of: "policies" },
  "policy.revision": { at: "text", of: ["program_revision"] },
  bytes: { at: "number", of: ["(bytes + reply_bytes)"] },
  packets: { at: "number", of: ["(packets + reply_packets)"] },
};

/**
 * A condition for WHERE. Missing values make a test NULL rather than false; as `and`, `or` and WHERE take both alike, only `not` must
 * tell them apart, and tests stay plain comparisons of columns, which DuckDB hands down to the files.
 */
export function conditionOf(filter: Filter, bindings: Bindings): string {
  switch (filter.op) {
    case "and":
      return filter.terms.length === 0 ? "true" : joined(filter.terms, " and ", bindings);
    case "or":
      return filter.terms.length === 0 ? "false" : joined(filter.terms, " or ", bindings);
    case "not":
      return `(not coalesce(${conditionOf(filter.term, bindings)}, false))`;
    case "test":
      return testOf(filter, bindings);
  }
}

function joined(terms: readonly Filter[], operator: string, bindings: Bindings): string {
  return `(${terms.map((term) => conditionOf(term, bindings)).join(operator)})`;
}

function testOf(test: Test, bindings: Bindings): string {
  if (test.comparator !== "exists" && test.values.length === 0) return "false";
  const place = places[test.field];
  switch (place.at) {
    case "text":
      return textTest(test, place.of, bindings);
    case "list":
      return listTest(test, place.of, bindings);
    case "labels":
      return labelTest(test, place.of, bindings);
    case "number":
      return numberTest(test, place, bindings);
    case "time":
      if (test.comparator === "exists") return "true";
      return anyOf(test.values.map((value) => compared(place.of, test, bindings.time(numberOf(test, value)))));
    case "boolean":
      return booleanTest(test, place.of, bindings);
    case "address":
      return addressTest(test, place.of, bindings);
  }
}

function textTest(test: Test, columns: readonly string[], bindings: Bindings): string {
  if (test.comparator === "exists") return anyOf(columns.map((column) => `${column} is not null`));
  const matches = test.values.map((value) => textMatch(test, String(value), bindings));
  return anyOf(columns.flatMap((column) => matches.map((match) => match(column))));
}

/** A comparison of one text with a value, which is bound once for all columns. */
function textMatch(test: Test, value: string, bindings: Bindings): (text: string) => string {
  if (test.comparator === "=") {
    const bound = bindings.bind(value);
    return (text) => `${text} = ${bound}`;
  }
  if (test.comparator !== "~") throw unfit(test);
  const bound = bindings.bind(likePattern(value));
  return (text) => `${text} like ${bound} escape '\\'`;
}

/** `*` and `?` as LIKE has them. */
export function likePattern(glob: string): string {
  return glob
    .replace(/[%_\\]/g, "\\$&")
    .replaceAll("*", "%")
    .replaceAll("?", "_");
}

function listTest(test: Test, column: string, bindings: Bindings): string {
  if (test.comparator === "exists") return `${column} <> '[]'`;
  const list = `json_extract_string(${column}, '$[*]')`;
  const matches = test.values.map((value) => textMatch(test, String(value), bindings)("x"));
  return `len(list_filter(${list}, x -> ${anyOf(matches)})) > 0`;
}

function labelTest(test: Test, columns: readonly string[], bindings: Bindings): string {
  if (test.key === null) return "false";
  const pointer = bindings.bind(`/${test.key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  const values = columns.map((column) => `json_extract_string(${column}, ${pointer})`);
  return textTest(test, values, bindings);
}

function numberTest(test: Test, place: { of: readonly string[]; when?: string }, bindings: Bindings): string {
  const within = (condition: string) => (place.when === undefined ? condition : `(${condition} and ${place.when})`);
  if (test.comparator === "exists") return within("true");
  const bound = test.values.map((value) => {
    const number = numberOf(test, value);
    return Number.isSafeInteger(number) ? bindings.bind(BigInt(number), BIGINT) : bindings.bind(number, DOUBLE);
  });
  return within(anyOf(place.of.flatMap((column) => bound.map((value) => compared(column, test, value)))));
}

function booleanTest(test: Test, column: string, bindings: Bindings): string {
  if (test.comparator === "exists") return `${column} is not null`;
  if (test.comparator !== "=") throw unfit(test);
  return anyOf(test.values.map((value) => `${column} = ${bindings.bind(value === true)}`));
}

function addressTest(test: Test, columns: readonly string[], bindings: Bindings): string {
  if (test.comparator === "exists") return anyOf(columns.map((column) => `${column}_low is not null`));
  if (test.comparator !== "=") throw unfit(test);
  const ranges = test.values.map((value) => rangeMatch(cidrOf(test, value), bindings));
  return anyOf(columns.flatMap((column) => ranges.map((range) => range(column))));
}

/** A prefix is a range of the upper half, or of the lower half below one upper half. */
function rangeMatch(cidr: Cidr, bindings: Bindings): (column: string) => string {
  const { first, last } = rangeOf(cidr);
  const bound = (value: bigint) => bindings.bind(value, UBIGINT);
  const high = bound(first.high);
  // IPv4 stands among IPv6 addresses as ::ffff:0:0/96, but is none of them.
  const not = cidr.family === 6 && first.high === 0n && last.low >= fours.first.low ? notFour : () => "";
  if (first.high !== last.high) {
    const top = bound(last.high);
    return (column) => `(${column}_high between ${high} and ${top}${not(column)})`;
  }
  const [low, end] = [bound(first.low), bound(last.low)];
  return (column) => `(${column}_low between ${low} and ${end} and ${column}_high = ${high}${not(column)})`;
}

const fours = { first: { low: 0xffff_0000_0000n }, last: { low: 0xffff_ffff_ffffn } };
const notFour = (column: string) =>
  ` and not (${column}_high = 0 and ${column}_low between ${fours.first.low} and ${fours.last.low})`;

function cidrOf(test: Test, value: Value): Cidr {
  if (typeof value === "object") return value;
  if (typeof value === "string") return parseCidr(value);
  throw unfit(test);
}

function numberOf(test: Test, value: Value): number {
  if (typeof value === "number") return value;
  throw unfit(test);
}

function compared(column: string, test: Test, bound: string): string {
  return `${column} ${operatorOf(test)} ${bound}`;
}

function operatorOf(test: Test): Exclude<Comparator, "~" | "exists"> {
  if (test.comparator === "~" || test.comparator === "exists") throw unfit(test);
  return test.comparator;
}

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 1 ? (conditions[0] as string) : `(${conditions.join(" or ")})`;
}

/** All values of a field as one list of texts per row; those of address fields as `high low`. */
export function listOf(field: FieldName, key: string | null, bindings: Bindings): string {
  const place = places[field];
  switch (place.at) {
    case "text":
      return distinct(place.of);
    case "list":
      return `json_extract_string(${place.of}, '$[*]')`;
    case "labels": {
      const pointer = bindings.bind(`/${(key ?? "").replaceAll("~", "~0").replaceAll("/", "~1")}`);
      return distinct(place.of.map((column) => `json_extract_string(${column}, ${pointer})`));
    }
    case "number":
      return place.when === undefined
        ? distinct(place.of.map((column) => `${column}::VARCHAR`))
        : `case when ${place.when} then ${distinct(place.of.map((column) => `${column}::VARCHAR`))} else [] end`;
    case "time":
      return `[epoch_us(${place.of})::VARCHAR]`;
    case "boolean":
      return `[${place.of}::VARCHAR]`;
    case "address":
      return distinct(place.of.map((column) => `(${column}_high::VARCHAR || ' ' || ${column}_low::VARCHAR)`));
  }
}

const distinct = (values: readonly string[]) => `list_distinct([${values.join(", ")}])`;

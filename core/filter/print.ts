import { isoTime } from "../clock.ts";
import { fields } from "./fields.ts";
import type { Filter, Test, Value } from "./filter.ts";
import { isPattern } from "./pattern.ts";

/** Canonical text of a filter: parses to the same tree, if that is one that a parser makes (every list has two terms or more). */
export function printFilter(filter: Filter): string {
  switch (filter.op) {
    case "and":
    case "or":
      return filter.terms.map((term) => operand(term)).join(` ${filter.op} `);
    case "not":
      return filter.term.op === "test" ? negatedTest(filter.term) : `not ${operand(filter.term)}`;
    case "test":
      return printTest(filter, false);
  }
}

function operand(filter: Filter): string {
  const text = printFilter(filter);
  return filter.op === "and" || filter.op === "or" ? `(${text})` : text;
}

function negatedTest(test: Test): string {
  const hasOwn = test.comparator === "=" || test.comparator === "~";
  return hasOwn ? printTest(test, true) : `not ${printTest(test, false)}`;
}

function printTest(test: Test, negated: boolean): string {
  const key = printKey(test);
  if (test.comparator === "exists") return `exists(${key})`;
  const values = test.values.map((value) => printValue(test, value));
  // After `in`, patterns are patterns; after `=` they are not.
  const isSet = test.comparator === "=" && !test.values.some((value) => typeof value === "string" && isPattern(value));
  if (values.length === 1) return `${key} ${negated ? "!" : ""}${test.comparator} ${values[0]}`;
  const sign = isSet ? (negated ? "not in" : "in") : `${negated ? "!" : ""}${test.comparator}`;
  return `${key} ${sign} (${values.join(", ")})`;
}

function printKey({ field, key }: Test): string {
  if (key === null) return field;
  return plain.test(key) ? `${field}.${key}` : `${field}[${quoted(key)}]`;
}

function printValue({ field }: Test, value: Value): string {
  if (typeof value === "object") return value.text.replace(value.family === 4 ? /\/32$/ : /\/128$/, "");
  if (typeof value === "string") return plain.test(value) && !keywords.has(value.toLowerCase()) ? value : quoted(value);
  return fields[field].type === "time" ? printTime(value as number) : String(value);
}

/** What needs no quotes. */
const plain = /^[A-Za-z0-9._/:*?@%+-]+$/;
const keywords: ReadonlySet<string> = new Set(["and", "or", "not", "in", "notin", "exists", "has"]);

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** `2026-11-23T10:00:00.123456Z`; zeros at the end are left out. */
function printTime(us: number): string {
  const seconds = isoTime(Math.floor(us / 1_000_000) * 1000).slice(0, 19);
  const fraction = String(us % 1_000_000)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}Z`;
}

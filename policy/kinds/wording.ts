import type { z } from "zod";

/** Longest piece of a value that a message repeats. */
const maxShown = 60;

/** What is wrong with a value, naming it. For faults about which the schema itself says nothing. */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is missing" : `${shown(issue.input)} is not ${article(issue.expected)}`;
    case "invalid_value":
      return issue.input === undefined ? "is missing" : `${shown(issue.input)} is none of ${issue.values.join(", ")}`;
    case "too_big":
      return outside(issue.origin, issue.input, `at most ${issue.maximum}`);
    case "too_small":
      return outside(issue.origin, issue.input, `at least ${issue.minimum}`);
    case "invalid_union":
      return `${shown(issue.input)} is of none of the kinds that may stand here`;
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "invalid_key":
    case "not_multiple_of":
    case "unrecognized_keys":
      return undefined;
  }
}

/** A value as it may stand in a message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

function article(type: string): string {
  switch (type) {
    case "object":
    case "record":
      return "a mapping";
    case "array":
      return "a list";
    case "int":
      return "a whole number";
    case "string":
      return "a text";
    case "boolean":
      return "true or false";
    default:
      return `a ${type}`;
  }
}

function outside(origin: string, input: unknown, limit: string): string {
  if (Array.isArray(input)) return `${input.length} entries (${limit})`;
  if (origin === "string" && typeof input === "string") return `${input.length} characters (${limit})`;
  return `${shown(input)} is out of range (${limit})`;
}

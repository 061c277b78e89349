import { parseTime } from "../core/clock.ts";

/**
 * Reads parts of Kubernetes objects that nobody has validated: what is missing or of another type is absent. Enrichment
 * never fails on an object; the worst that a broken one does is to own nothing.
 */
export function fieldAt(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[name];
  }
  return current;
}

/** A text that is not empty. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = fieldAt(value, ...path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

export function integerAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = fieldAt(value, ...path);
  return Number.isSafeInteger(found) ? (found as number) : undefined;
}

/** An RFC 3339 time as microseconds since the epoch. */
export function microsecondsAt(value: unknown, ...path: readonly string[]): number | null {
  const text = textAt(value, ...path);
  const ms = text === undefined ? undefined : parseTime(text);
  return ms === undefined ? null : ms * 1000;
}

/** The list, or an empty one. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = fieldAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The entries whose value is a text, sorted by key, so that equal maps have equal texts. */
export function textsAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const found = fieldAt(value, ...path);
  if (typeof found !== "object" || found === null) return {};
  const entries = Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

import { isPattern } from "../../core/filter/pattern.ts";
import { exists, isOneOf, type Query } from "./query.ts";

// pattern => as core/filter/pattern.ts has it: `*`, `?`, no escapes

/** A text field like a pattern, by the cheapest query that says so. */
export function isLike(field: string, pattern: string): Query {
  const simple = simplified(pattern);
  if (!isPattern(simple)) return isOneOf(field, [simple]);
  if (simple === "*") return exists(field);
  const begin = beginOf(simple);
  if (begin !== undefined) return { prefix: { [field]: { value: begin } } };
  return { wildcard: { [field]: { value: simple.replaceAll("\\", "\\\\") } } };
}

/** What a pattern wants a text to begin with, if it wants nothing else. */
export function beginOf(pattern: string): string | undefined {
  return /^[^*?]*\*$/s.test(pattern) ? pattern.slice(0, -1) : undefined;
}

/** Stars and question marks that stand together as `?…?*`: each star more would double what Elasticsearch has to reckon. */
export function simplified(pattern: string): string {
  return pattern.replace(/[*?]*\*[*?]*/g, (run) => `${run.replaceAll("*", "")}*`);
}

/** The pattern as a regular expression of Lucene, in which more characters have a meaning than elsewhere. */
export function regexOf(pattern: string): string {
  return simplified(pattern)
    .replace(/[.+|{}[\]()"\\#@&<>~^$-]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
}

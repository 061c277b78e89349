import type { z } from "zod";
import type { Problem, Read } from "../model.ts";
import { explain } from "./wording.ts";

/** Reads by a zod schema; faults come back with the path of the field. A field that is null is one that is not there. */
export function readWith<T>(schema: z.ZodType<T>, input: unknown, at: string): Read<T> {
  const result = schema.safeParse(withoutNulls(input, maxDepth), { error: explain });
  if (result.success) return { value: result.data };
  return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, at)) };
}

/** More levels than any schema here looks at; deeper ones stay as they are. */
const maxDepth = 16;

/** Generators write `null` for what is not set, and Kubernetes takes it for that. */
function withoutNulls(value: unknown, depth: number): unknown {
  if (depth === 0 || !hasNull(value, depth)) return value;
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth - 1));
  if (!isMapping(value)) return value;
  const set = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(set.map(([key, field]) => [key, withoutNulls(field, depth - 1)]));
}

/** Nearly nothing has, and then nothing need be copied. */
function hasNull(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null || depth === 0) return value === null;
  if (Array.isArray(value)) return value.some((item) => hasNull(item, depth - 1));
  for (const key of Object.keys(value))
    if (hasNull((value as Readonly<Record<string, unknown>>)[key], depth - 1)) return true;
  return false;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What went wrong at which field, `at` being the path of the value that was read. */
export function problemsOf(issue: z.core.$ZodIssue, at: string): readonly Problem[] {
  const path = issue.path.reduce<string>((start, part) => start + step(part, start === ""), at);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      field: path + step(key, path === ""),
      message: "this field is not known; is it misspelt?",
    }));
  if (issue.code === "invalid_union") {
    // The alternative of the right type says best what is wrong.
    const closest = issue.errors.find((branch) => branch[0]?.code !== "invalid_type");
    if (closest !== undefined) return closest.flatMap((inner) => problemsOf(inner, path));
  }
  return [{ field: path, message: issue.message }];
}

function step(part: PropertyKey, first: boolean): string {
  if (typeof part === "number") return `[${part}]`;
  return first ? keyText(String(part)) : `.${keyText(String(part))}`;
}

/** A key that somebody wrote, as it may stand on a terminal. */
export function keyText(key: string): string {
  return /\p{Cc}/u.test(key) ? JSON.stringify(key) : key;
}

import { z } from "zod";
import { parseCidr } from "../../core/address.ts";
import { messageOf } from "../../core/errors.ts";
import type { Problem, Read } from "../model.ts";
import { parseSelector } from "../selector/parse.ts";
import type { Selector } from "../selector/syntax.ts";

/** Longest selector of a policy (projectcalico.org/v3). */
const maxSelectorLength = 1024;

/** A schema for text that `parse` understands; its error becomes the field's problem. */
export function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (thrown) {
      context.addIssue({ code: "custom", message: messageOf(thrown) });
      return z.NEVER;
    }
  });
}

/** A selector; empty is no restriction and stays undefined. `global()` has a meaning only in namespace selectors. */
export const selectorField = parsed((text) => {
  if (/global\(/.test(text)) throw new Error("global() may stand in a namespaceSelector only");
  return optionalSelector(text);
});

export const namespaceSelectorField = parsed((text) => {
  const selector = optionalSelector(text);
  if (/global\(/.test(text) && selector?.op !== "global") throw new Error("global() must stand alone");
  return selector;
});

function optionalSelector(text: string): Selector | undefined {
  if (text.length > maxSelectorLength)
    throw new Error(`a selector of ${text.length} characters (at most ${maxSelectorLength})`);
  return /^[ \t]*$/.test(text) ? undefined : parseSelector(text);
}

export const cidrField = parsed(parseCidr);

// What stands in a selector as text must be text of that language: a Program's selectors are printed and parsed again.
export const labelKey = z.string().regex(/^[a-zA-Z0-9_./-]{1,512}$/, "is no label key");
export const labelValue = z
  .string()
  .refine((text) => !(text.includes('"') && text.includes("'")), { message: "holds both kinds of quotes" });

/** Not by z.record, which passes over a key `__proto__`: the selector would say less than its author wrote. */
export const labelsField = z
  .custom<Readonly<Record<string, string>>>(isMapping, "must be a mapping")
  .superRefine((labels, context) => {
    for (const [key, value] of Object.entries(labels))
      for (const { message } of [labelKey.safeParse(key), labelValue.safeParse(value)].flatMap(issuesOf))
        context.addIssue({ code: "custom", path: [key], message });
  });

function issuesOf({ error }: z.ZodSafeParseResult<string>): readonly z.core.$ZodIssue[] {
  return error?.issues ?? [];
}

/** Names of tiers (projectcalico.org/v3): they must fit a label, and stand between bars in flow records. */
export const tierName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "is no tier name: lower case letters, digits and -")
  .max(63);

/** Reads by a zod schema; faults come back with the path of the field. A field that is null is one that is not there. */
export function readWith<T>(schema: z.ZodType<T>, input: unknown, at: string): Read<T> {
  const result = schema.safeParse(withoutNulls(input, maxDepth));
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

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function problemsOf(issue: z.core.$ZodIssue, at: string): readonly Problem[] {
  const path = [at, ...issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))].join(
    "",
  );
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ field: `${path}.${key}`, message: "this field is not known; is it misspelt?" }));
  if (issue.code === "invalid_union") {
    // The alternative of the right type says best what is wrong.
    const closest = issue.errors.find((branch) => branch[0]?.code !== "invalid_type");
    if (closest !== undefined) return closest.flatMap((inner) => problemsOf(inner, path));
  }
  return [{ field: path, message: issue.message }];
}

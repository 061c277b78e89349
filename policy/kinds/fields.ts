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

export const labelsField = z.record(z.string(), z.string());

/** Reads by a zod schema; faults come back with the path of the field. */
export function readWith<T>(schema: z.ZodType<T>, input: unknown, at: string): Read<T> {
  const result = schema.safeParse(input);
  if (result.success) return { value: result.data };
  return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, at)) };
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

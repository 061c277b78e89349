import { z } from "zod";
import { parseCidr } from "../../core/address.ts";
import { messageOf } from "../../core/errors.ts";
import { parseSelector } from "../selector/parse.ts";
import type { Selector } from "../selector/syntax.ts";
import type { CelRule } from "./openapi.ts";
import { isMapping } from "./reading.ts";
import { shown } from "./wording.ts";

/** Longest selector of a policy (projectcalico.org/v3). */
const maxSelectorLength = 1024;

/** A schema for text that `parse` understands; its error becomes the field's problem. */
export function parsed<T>(parse: (text: string) => T, text: z.ZodString = z.string()) {
  return text.transform((input, context): T => {
    try {
      return parse(input);
    } catch (thrown) {
      context.addIssue({ code: "custom", message: messageOf(thrown) });
      return z.NEVER;
    }
  });
}

/** Text of a certain form; `what` completes "… is no". */
export function textLike(pattern: RegExp, what: string): z.ZodString {
  return z.string().regex(pattern, { error: ({ input }) => `${shown(input)} is no ${what}` });
}

const selectorText = z
  .string()
  .max(maxSelectorLength, { error: ({ input }) => `a selector of ${String(input).length} characters (at most 1024)` });

/** A selector; empty is no restriction and stays undefined. `global()` has a meaning only in namespace selectors. */
export const selectorField = parsed((text) => {
  if (/global\(/.test(text)) throw new Error("global() may stand in the namespaceSelector of a rule only");
  return optionalSelector(text);
}, selectorText);

/** The namespaceSelector of a rule. */
export const namespaceSelectorField = parsed((text) => {
  const selector = optionalSelector(text);
  if (/global\(/.test(text) && selector?.op !== "global") throw new Error("global() must stand alone");
  return selector;
}, selectorText);

/** What the API server says of fields of kind `selectorField`. */
export function noGlobal(...fields: readonly string[]): readonly CelRule[] {
  return fields.map((field) => ({
    rule: `!has(self.${field}) || !self.${field}.contains('global(')`,
    message: `${field}: global() may stand in the namespaceSelector of a rule only`,
  }));
}

function optionalSelector(text: string): Selector | undefined {
  return /^[ \t]*$/.test(text) ? undefined : parseSelector(text);
}

/** A CIDR, or a bare address. */
export const cidrField = parsed(parseCidr);

/** A CIDR of a rule, where a bare address is refused (projectcalico.org/v3). */
export const netField = parsed((text) => {
  const cidr = parseCidr(text);
  if (!text.includes("/")) throw new Error(`"${text}" is no CIDR: write ${cidr.text}`);
  return cidr;
});

export const portNumber = z.int().min(1).max(65_535);
export const portName = textLike(/^[a-zA-Z0-9_.-]{1,128}$/, "name of a port");

// What stands in a selector as text must be text of that language: a Program's selectors are printed and parsed again.
export const labelKey = textLike(/^[a-zA-Z0-9_./-]{1,512}$/, "label key");
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
  })
  .meta({ type: "object", additionalProperties: { type: "string" } });

function issuesOf({ error }: z.ZodSafeParseResult<string>): readonly z.core.$ZodIssue[] {
  return error?.issues ?? [];
}

/** Names of tiers (projectcalico.org/v3): they must fit a label, and stand between bars in flow records. */
export const tierName = textLike(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  "name of a tier: lower case letters, digits and -",
).max(63);

/** True if no entry occurs twice. */
export function isDistinct(list: readonly unknown[] | undefined): boolean {
  return list === undefined || new Set(list).size === list.length;
}

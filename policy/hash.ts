import { hash } from "node:crypto";
import { type RuleId, ruleIdOf } from "../core/rule-id.ts";

/** JSON with sorted keys: equal values give equal texts. Infinity is written as a word, a bigint as its digits. */
export function canonicalJson(value: unknown): string {
  if (typeof value === "bigint") return `"${value}"`;
  if (value === Number.POSITIVE_INFINITY) return '"infinity"';
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  const present = Object.keys(fields).filter((key) => fields[key] !== undefined);
  return `{${present
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(fields[key])}`)
    .join()}}`;
}

/** The first `digits` hexadecimal digits of the SHA-256 of a value's canonical text. */
export function contentHash(value: unknown, digits: number): string {
  return textHash(canonicalJson(value)).slice(0, digits);
}

/** The SHA-256 of a text, 64 hexadecimal digits. */
export function textHash(text: string): string {
  return hash("sha256", text, "hex");
}

export function contentRuleId(value: unknown): RuleId {
  return ruleIdOf(Buffer.from(textHash(canonicalJson(value)).slice(0, 16), "hex"));
}

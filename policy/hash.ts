import { createHash } from "node:crypto";
import { type RuleId, ruleIdOf } from "../core/rule-id.ts";

/** JSON with sorted keys: equal values give equal texts. Infinity is written as a word. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return part.toString();
    if (part === Number.POSITIVE_INFINITY) return "infinity";
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** The first `digits` hexadecimal digits of the SHA-256 of a value's canonical text. */
export function contentHash(value: unknown, digits: number): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, digits);
}

export function contentRuleId(value: unknown): RuleId {
  return ruleIdOf(createHash("sha256").update(canonicalJson(value)).digest());
}

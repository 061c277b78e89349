import { nearest } from "../../core/nearest.ts";
import type { ValuePattern } from "./pattern.ts";
import type { AllowedValues } from "./taxonomy.ts";

/** How many values a message offers. */
const offered = 10;

/** What there is instead of a value that is not allowed, in words: the one that was probably meant first. */
export function offerFor(values: AllowedValues, value: string): string {
  if (values.type === "pattern") return offerLike(values.pattern);
  const texts = values.values.map((one) => one.value);
  const meant = nearest(value, texts);
  return `${offerOf(texts)}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

export const offerLike = ({ text }: ValuePattern): string => `it must be like ${text}`;

/** `there is shop, payments` */
export function offerOf(values: readonly string[]): string {
  const more = values.length > offered ? `, ... (${values.length})` : "";
  return `there is ${values
    .slice(0, offered)
    .map((value) => value || '""')
    .join(", ")}${more}`;
}

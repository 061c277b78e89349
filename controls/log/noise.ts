import { isFields, isList, type Json } from "./json-diff.ts";

/** Annotations that programs write beside what somebody asked for; the first repeats the whole object. */
const noise =
  /^(kubectl\.kubernetes\.io\/last-applied-configuration|deployment\.kubernetes\.io\/.*|deprecated\.daemonset\.template\.generation|control-plane\.alpha\.kubernetes\.io\/.*)$/;

export const isNoise = (annotation: string): boolean => noise.test(annotation);

/** An object or a patch without them, wherever they stand. */
export function withoutNoise(value: Json): Json {
  if (isList(value)) return value.map(withoutNoise);
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([field]) => !isNoise(field));
  return Object.fromEntries(kept.map(([field, part]) => [field, withoutNoise(part)]));
}

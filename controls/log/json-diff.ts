// diff => change*, applied in order     change => path before after
//
// A path is a JSON pointer (RFC 6901). In an object, a field without `before` is added and one without `after` removed; in a list, such a
// change inserts an element there or takes it out, and those behind move. As in JSON Patch (RFC 6902), with what was there before.
import type { FieldChange } from "../../core/records/change.ts";
import { canonicalJson } from "../../policy/hash.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };
export type Fields = Readonly<Record<string, Json>>;

/** What makes one value of the other, field by field; of a list that grew or shrank, without what both begin and end with. */
export function diffOf(before: Json, after: Json, path = ""): readonly FieldChange[] {
  if (isList(before) && isList(after)) return listDiff(before, after, path);
  if (isFields(before) && isFields(after)) return fieldsDiff(before, after, path);
  const [old, now] = [canonicalJson(before), canonicalJson(after)];
  return old === now ? [] : [{ path, before: old, after: now }];
}

/** Throws for a diff of something else. */
export function patched(value: Json, diff: readonly FieldChange[]): Json {
  return diff.reduce((now, change) => patchedAt(now, namesIn(change.path), change), value);
}

function fieldsDiff(before: Fields, after: Fields, path: string): readonly FieldChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const at = `${path}/${escaped(name)}`;
    if (!Object.hasOwn(after, name)) return [removed(at, before[name] as Json)];
    if (!Object.hasOwn(before, name)) return [added(at, after[name] as Json)];
    return diffOf(before[name] as Json, after[name] as Json, at);
  });
}

function listDiff(before: readonly Json[], after: readonly Json[], path: string): readonly FieldChange[] {
  const [old, now] = [before.map(canonicalJson), after.map(canonicalJson)];
  const start = commonLength(old, now);
  const end = commonLength(old.slice(start).reverse(), now.slice(start).reverse());
  const [gone, come] = [old.length - start - end, now.length - start - end];
  const pairs = Array.from({ length: Math.min(gone, come) }, (_, at) => start + at);
  const rest = start + pairs.length;
  return [
    ...pairs.flatMap((at) => diffOf(before[at] as Json, after[at] as Json, `${path}/${at}`)),
    ...before.slice(rest, start + gone).map((value) => removed(`${path}/${rest}`, value)),
    ...after.slice(rest, start + come).map((value, at) => added(`${path}/${rest + at}`, value)),
  ];
}

function commonLength(one: readonly string[], other: readonly string[]): number {
  const differing = one.findIndex((text, at) => text !== other[at]);
  return differing < 0 ? one.length : differing;
}

const removed = (path: string, value: Json): FieldChange => ({ path, before: canonicalJson(value), after: null });
const added = (path: string, value: Json): FieldChange => ({ path, before: null, after: canonicalJson(value) });

function patchedAt(value: Json, [name, ...rest]: readonly string[], change: FieldChange): Json {
  if (name === undefined) return valueAfter(change);
  const below = (old: Json | undefined) =>
    rest.length === 0 ? valueAfter(change) : patchedAt(old ?? null, rest, change);
  if (isList(value)) {
    const at = Number(name);
    if (rest.length === 0 && change.before === null) return value.toSpliced(at, 0, valueAfter(change));
    return change.after === null && rest.length === 0 ? value.toSpliced(at, 1) : value.with(at, below(value[at]));
  }
  if (!isFields(value)) throw new Error(`the diff has ${change.path}, where there is neither an object nor a list`);
  const others = Object.entries(value).filter(([field]) => field !== name);
  const isRemoved = rest.length === 0 && change.after === null;
  return Object.fromEntries(isRemoved ? others : [...others, [name, below(value[name])]]);
}

const valueAfter = ({ after }: FieldChange): Json => JSON.parse(after ?? "null") as Json;

const escaped = (name: string) => name.replaceAll("~", "~0").replaceAll("/", "~1");
/** The steps of a JSON pointer. */
export const namesIn = (path: string): readonly string[] => path.split("/").slice(1).map(unescaped);
const unescaped = (name: string) => name.replaceAll("~1", "/").replaceAll("~0", "~");

export const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
export const isFields = (value: Json): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

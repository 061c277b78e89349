// What somebody asked for: an object, a merge patch, or a JSON patch (RFC 6902), which is a list of { op path [value] [from] }.
import { type Fields, isFields, isList, type Json, namesIn } from "./json-diff.ts";
import { masked, maskedElement } from "./masked.ts";
import { isNoise, withoutNoise } from "./noise.ts";

/** As it may be on record: without what is secret, and without annotations that repeat all of it as text. */
export function withoutSecrets(asked: Json): Json {
  const kept = withoutNoise(asked);
  return isList(kept) ? kept.filter((operation) => !isOfNoise(operation)).map(maskedOperation) : masked(kept);
}

function isOfNoise(operation: Json): boolean {
  return isFields(operation) && isNoise(pathOf(operation).at(-1) ?? "");
}

function maskedOperation(operation: Json): Json {
  if (!isFields(operation) || operation["value"] === undefined) return operation;
  return { ...operation, value: maskedAt(pathOf(operation), operation["value"]) };
}

/** A step into a list; no name of a field does so in what we record, but keys of ConfigMaps. */
const index = /^(\d+|-)$/;

/** A value as it is masked where it is put. */
function maskedAt(path: readonly string[], value: Json): Json {
  const last = path.at(-1);
  const under = path.slice(0, -1).findLast((name) => !index.test(name)) ?? "";
  if (last === undefined) return masked(value);
  if (index.test(last) && under !== "data") return maskedElement(value, under);
  const around = masked({ [last]: value }, under);
  return isFields(around) ? (around[last] ?? null) : null;
}

const pathOf = (operation: Fields): readonly string[] =>
  typeof operation["path"] === "string" ? namesIn(operation["path"]) : [];

import { SluiceError } from "../errors.ts";
import { type Field, type FieldName, fields } from "./fields.ts";

/** What a filter asks of: a field, of labels with the label's key. */
export interface Key {
  readonly field: FieldName;
  readonly key: string | null;
}

const names = Object.keys(fields) as readonly FieldName[];

const byName: ReadonlyMap<string, FieldName> = new Map(
  names.flatMap((name) => {
    const { aliases = [] }: Field = fields[name];
    return [name, ...aliases].map((known) => [known, name] as const);
  }),
);

/** Every name and alias of a field. */
export const knownNames: readonly string[] = [...byName.keys()];

/** `dst.ns`, `src.labels.app`; undefined if it names nothing. */
export function keyOf(text: string): Key | undefined {
  const field = byName.get(text);
  if (field !== undefined) return { field, key: null };
  for (const [name, labels] of byName) {
    const isOfLabels = fields[labels].type === "labels" && text.startsWith(`${name}.`);
    if (isOfLabels && text.length > name.length + 1) return { field: labels, key: text.slice(name.length + 1) };
  }
  return undefined;
}

/** What a store counts by. Throws FILTER_INVALID for a text that names nothing, or labels without the key of one. */
export function countedKey(text: string): Key {
  const found = keyOf(text);
  const isWhole = found !== undefined && (found.key !== null || fields[found.field].type !== "labels");
  if (isWhole) return found;
  throw new SluiceError("FILTER_INVALID", `there is no field "${text.slice(0, 60)}" to count by`);
}

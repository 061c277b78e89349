import type { DocumentField, Stored } from "./field.ts";

type Source = Readonly<Record<string, unknown>>;

interface Leaf extends Stored {
  /** The path in the document, in pieces. */
  readonly place: readonly string[];
  readonly leaf: string;
}

/**
 * Makes what reads the record back from `_source` of its document. A part of a record that has none of its fields there is null. What the
 * document has beside, written by a later version, is passed over.
 */
export function documentReader<R>(fields: readonly DocumentField<R>[]): (source: Source) => R {
  const leaves = fields.flatMap(({ name, stored }): readonly Leaf[] =>
    stored === undefined ? [] : [{ ...stored, place: name.split("."), leaf: stored.path.split(".").at(-1) as string }],
  );
  const plain = leaves.filter(({ path }) => !path.includes("."));
  const parts = Map.groupBy(
    leaves.filter(({ path }) => path.includes(".")),
    ({ path }) => path.slice(0, path.indexOf(".")),
  );
  return (source) => {
    const record = readLeaves(plain, source).record;
    for (const [part, of] of parts) {
      const { record: whole, isAny } = readLeaves(of, source);
      record[part] = isAny ? whole : null;
    }
    return record as R;
  };
}

function readLeaves(leaves: readonly Leaf[], source: Source): { record: Record<string, unknown>; isAny: boolean } {
  const record: Record<string, unknown> = {};
  let isAny = false;
  for (const { place, leaf, read, absent } of leaves) {
    const value = valueAt(source, place);
    if (value !== undefined) isAny = true;
    record[leaf] = value === undefined ? absent : read(value);
  }
  return { record, isAny };
}

function valueAt(source: Source, place: readonly string[]): unknown {
  let value: unknown = source;
  for (const name of place) {
    if (value === undefined || value === null || typeof value !== "object") return undefined;
    value = Object.hasOwn(value, name) ? (value as Source)[name] : undefined;
  }
  return value ?? undefined;
}

import type { DocumentField } from "./field.ts";

/** JSON text of a document, or of a part of one; undefined where nothing is in it. */
type Write<R> = (record: R) => string | undefined;

interface Branch<R> {
  readonly fields: DocumentField<R>[];
  readonly branches: Map<string, Branch<R>>;
  readonly leaves: Map<string, DocumentField<R>>;
}

/**
 * Makes what writes a record as the JSON of its document, without an object in between. `shared` names parts of records whose objects
 * come again and never change (enrichers give all records of a pod the same): what only they decide is written once for each object.
 */
export function documentWriter<R>(
  fields: readonly DocumentField<R>[],
  shared: ReadonlySet<string> = new Set(),
): (record: R) => string {
  const root: Branch<R> = emptyBranch();
  for (const field of fields) plant(root, field.name.split("."), field);
  const write = branchWriter(root, shared);
  return (record) => write(record) ?? "{}";
}

function emptyBranch<R>(): Branch<R> {
  return { fields: [], branches: new Map(), leaves: new Map() };
}

function plant<R>(branch: Branch<R>, [name, ...rest]: readonly string[], field: DocumentField<R>): void {
  branch.fields.push(field);
  if (rest.length === 0) {
    branch.leaves.set(name as string, field);
    return;
  }
  const next = branch.branches.get(name as string) ?? emptyBranch<R>();
  branch.branches.set(name as string, next);
  plant(next, rest, field);
}

function branchWriter<R>({ branches, leaves, fields }: Branch<R>, shared: ReadonlySet<string>): Write<R> {
  const members: readonly (readonly [string, Write<R>])[] = [
    ...[...leaves].map(([name, { write }]) => [`,${JSON.stringify(name)}:`, write] as const),
    ...[...branches].map(([name, next]) => [`,${JSON.stringify(name)}:`, branchWriter(next, shared)] as const),
  ];
  const write: Write<R> = (record) => {
    let text = "";
    for (const [prefix, member] of members) {
      const value = member(record);
      if (value !== undefined) text += prefix + value;
    }
    return text === "" ? undefined : `{${text.slice(1)}}`;
  };
  const part = onlyPart(fields);
  return part !== undefined && shared.has(part) ? onceFor(part, write) : write;
}

/** The object of the record that alone decides what these fields are. */
function onlyPart<R>(fields: readonly DocumentField<R>[]): string | undefined {
  const parts = new Set(
    fields.map(({ stored }) => (stored?.path.includes(".") ? stored.path.split(".")[0] : undefined)),
  );
  return parts.size === 1 ? [...parts][0] : undefined;
}

function onceFor<R>(part: string, write: Write<R>): Write<R> {
  const known = new WeakMap<object, { readonly text: string | undefined }>();
  return (record) => {
    const object = (record as Readonly<Record<string, object | null>>)[part];
    if (object === null || object === undefined) return undefined;
    let written = known.get(object);
    if (written === undefined) {
      written = { text: write(record) };
      known.set(object, written);
    }
    return written.text;
  };
}

import type { Schema } from "avsc";

/** A field of an Avro record, as the schema has it. */
export interface SchemaField {
  readonly name: string;
  readonly type: Schema;
  readonly default?: unknown;
}

/** A schema of a batch: a record whose field `records` is an array of records. */
export interface BatchSchema {
  readonly type: "record";
  readonly name: string;
  readonly namespace?: string;
  readonly fields: readonly [
    { readonly name: string; readonly type: { readonly type: "array"; readonly items: Items } },
  ];
}

interface Items {
  readonly fields: readonly SchemaField[];
}

/**
 * Under this key a record that a newer version wrote has the fields that this one does not know, beside their values by name. Copies made by
 * spreading keep both, so what passes through an enricher is not lost.
 */
export const unknownFields = Symbol("fields that this version does not know");

export interface WithUnknownFields {
  readonly [unknownFields]?: readonly SchemaField[];
}

/** Fields that the writer's records have and ours lack; only those with a default, as every field added later has. */
export function fieldsUnknownTo(ours: BatchSchema, writers: BatchSchema): readonly SchemaField[] {
  const known = new Set(itemsOf(ours).fields.map(({ name }) => name));
  return itemsOf(writers).fields.filter((field) => !known.has(field.name) && "default" in field);
}

/** Those of all records, each once. */
export function unknownIn(records: readonly object[]): readonly SchemaField[] {
  const found = new Map<string, SchemaField>();
  let last: readonly SchemaField[] | undefined;
  for (const record of records) {
    const fields = (record as WithUnknownFields)[unknownFields];
    if (fields === undefined || fields === last) continue;
    last = fields;
    for (const field of fields) if (!found.has(field.name)) found.set(field.name, field);
  }
  return [...found.values()];
}

/** The schema of a batch whose records have these fields too, at their end. */
export function extended(schema: BatchSchema, fields: readonly SchemaField[]): BatchSchema {
  const items = itemsOf(schema);
  const [records] = schema.fields;
  const type = { ...records.type, items: { ...items, fields: [...items.fields, ...fields] } };
  return { ...schema, fields: [{ ...records, type }] };
}

/** Throws for a schema of something else. */
export function batchSchemaOf(parsed: unknown): BatchSchema {
  const fields = (parsed as Partial<BatchSchema> | null)?.fields;
  const items: unknown = Array.isArray(fields) ? (fields as BatchSchema["fields"])[0]?.type?.items?.fields : undefined;
  if (!Array.isArray(items)) throw new Error("the writer's schema is none of a batch of records");
  return parsed as BatchSchema;
}

const itemsOf = ({ fields: [{ type }] }: BatchSchema): Items => type.items;

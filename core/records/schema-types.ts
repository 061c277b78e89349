import type { Schema } from "avsc";

/** A type of a schema of ours, by what it takes to write and read it. */
export type SchemaType =
  | { readonly kind: "boolean" | "long" | "string" | "address" | "ruleId" }
  | { readonly kind: "fixed"; readonly size: number }
  | { readonly kind: "enum"; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: "record"; readonly name: string; readonly fields: readonly SchemaField[] }
  | { readonly kind: "array" | "map" | "orNull"; readonly of: SchemaType };

export interface SchemaField {
  readonly name: string;
  readonly type: SchemaType;
}

type Named = { readonly type: Schema; readonly name?: string } & Readonly<Record<string, unknown>>;

const primitives: Readonly<Record<string, SchemaType>> = {
  boolean: { kind: "boolean" },
  int: { kind: "long" },
  long: { kind: "long" },
  string: { kind: "string" },
};

/** Throws for what no schema of ours has: unions of more than null and one type, floats. */
export function schemaType(schema: Schema, known = new Map<string, SchemaType>()): SchemaType {
  if (typeof schema === "string") return typeNamed(schema, known);
  if (Array.isArray(schema)) return unionType(schema as readonly Schema[], known);
  const named = schema as Named;
  if (typeof named.type !== "string") return schemaType(named.type, known);
  if (named.type === "array") return { kind: "array", of: schemaType(named["items"] as Schema, known) };
  if (named.type === "map") return { kind: "map", of: schemaType(named["values"] as Schema, known) };
  if (named.name === undefined) return typeNamed(named.type, known);
  const type = namedType(named, identifier(named.name), known);
  known.set(named.name, type);
  return type;
}

function typeNamed(name: string, known: ReadonlyMap<string, SchemaType>): SchemaType {
  const type = known.get(name) ?? (Object.hasOwn(primitives, name) ? primitives[name] : undefined);
  if (type === undefined) throw new Error(`a schema of ours has no type ${name}`);
  return type;
}

function unionType([first, second, ...more]: readonly Schema[], known: Map<string, SchemaType>): SchemaType {
  if (first !== "null" || second === undefined || more.length > 0)
    throw new Error("a union of a schema of ours is of null and one other type");
  return { kind: "orNull", of: schemaType(second, known) };
}

function namedType(schema: Named, name: string, known: Map<string, SchemaType>): SchemaType {
  if (schema.type === "enum") return { kind: "enum", name, symbols: schema["symbols"] as readonly string[] };
  if (schema.type === "record") {
    const fields = schema["fields"] as readonly { readonly name: string; readonly type: Schema }[];
    return { kind: "record", name, fields: fields.map((field) => fieldOf(field, known)) };
  }
  if (schema.type !== "fixed") throw new Error(`a schema of ours has no type ${String(schema.type)}`);
  if (schema["logicalType"] === "sluice-address") return { kind: "address" };
  return schema["logicalType"] === "sluice-rule-id"
    ? { kind: "ruleId" }
    : { kind: "fixed", size: schema["size"] as number };
}

function fieldOf(
  { name, type }: { readonly name: string; readonly type: Schema },
  known: Map<string, SchemaType>,
): SchemaField {
  return { name: identifier(name), type: schemaType(type, known) };
}

/** Names get into source text. */
function identifier(name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new Error(`"${name}" is no name in Avro`);
  return name;
}

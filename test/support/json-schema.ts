/**
 * What a JSON schema of the kind that stands in a CRD finds wrong with a value, as the API server would: paths only. Fields that
 * the schema does not know are told as well (`kubectl` validates strictly). CEL and formats are left out.
 */
export function schemaFaults(schema: Schema, value: unknown, at = ""): readonly string[] {
  if (schema["x-kubernetes-int-or-string"])
    return Number.isInteger(value) || (typeof value === "string" && fits(schema.pattern, value)) ? [] : [at];
  if (!hasType(schema.type, value)) return [at];
  if (schema.enum && !schema.enum.includes(value)) return [at];
  if (typeof value === "string") return textIsGood(schema, value) ? [] : [at];
  if (typeof value === "number")
    return value >= (schema.minimum ?? value) && value <= (schema.maximum ?? value) ? [] : [at];
  if (Array.isArray(value)) return listFaults(schema, value, at);
  return typeof value === "object" && value !== null ? mappingFaults(schema, Object.entries(value), at) : [];
}

type SchemaType = "string" | "boolean" | "number" | "integer" | "array" | "object";

export interface Schema {
  readonly type?: SchemaType;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly "x-kubernetes-int-or-string"?: boolean;
}

function hasType(type: SchemaType | undefined, value: unknown): boolean {
  switch (type) {
    case "string":
    case "boolean":
    case "number":
      return typeof value === type;
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case undefined:
      throw new Error("a schema without type");
  }
}

function textIsGood({ pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Schema, text: string): boolean {
  return text.length >= minLength && text.length <= maxLength && fits(pattern, text);
}

function fits(pattern: string | undefined, text: string): boolean {
  return pattern === undefined || new RegExp(pattern, "u").test(text);
}

function listFaults(
  { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY }: Schema,
  list: readonly unknown[],
  at: string,
) {
  if (list.length < minItems || list.length > maxItems) return [at];
  return list.flatMap((item, index) => schemaFaults(items ?? {}, item, `${at}[${index}]`));
}

function mappingFaults(
  { properties = {}, required = [], additionalProperties }: Schema,
  entries: [string, unknown][],
  at: string,
) {
  const keys = entries.map(([key]) => key);
  return [
    ...required.filter((key) => !keys.includes(key)).map((key) => `${at}.${key}`),
    ...entries.flatMap(([key, value]) => {
      const field = properties[key] ?? additionalProperties;
      return field === undefined ? [`${at}.${key}`] : schemaFaults(field, value, `${at}.${key}`);
    }),
  ];
}

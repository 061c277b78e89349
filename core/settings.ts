import { z } from "zod";

/** One leaf of a configuration schema, and the three places where a person may set it. */
export interface Setting {
  /** Place in the file, e.g. `collector.windowMs`. */
  readonly path: string;
  /** `--collector.window-ms` */
  readonly flag: string;
  /** `SLUICE_COLLECTOR_WINDOW_MS` */
  readonly variable: string;
  readonly kind: "text" | "number" | "boolean" | "list";
  /** What may be written, in words: `number from 1 to 65535`, `one of observe, enforce`. */
  readonly accepts: string;
  readonly description: string;
  readonly default: unknown;
  readonly secret: boolean;
}

/** What z.toJSONSchema gives, as far as it is used here. */
interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
  readonly default?: unknown;
  readonly secret?: boolean;
}

/** Every leaf of a schema made of nested strictObjects, in the order of the schema. */
export function settingsOf(schema: z.ZodType): readonly Setting[] {
  return leaves(z.toJSONSchema(schema, { io: "input" }) as JsonSchema, []);
}

function leaves(node: JsonSchema, path: readonly string[]): readonly Setting[] {
  if (node.properties === undefined) return [settingOf(node, path)];
  return Object.entries(node.properties).flatMap(([name, child]) => leaves(child, [...path, name]));
}

function settingOf(node: JsonSchema, path: readonly string[]): Setting {
  return {
    path: path.join("."),
    flag: `--${path.map((part) => words(part).join("-")).join(".")}`,
    variable: `SLUICE_${path.flatMap(words).join("_").toUpperCase()}`,
    kind: kindOf(node),
    accepts: acceptsOf(node),
    description: node.description ?? "",
    default: node.default,
    secret: node.secret ?? false,
  };
}

/** `windowMs` => `window`, `ms` */
function words(name: string): readonly string[] {
  return name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

function kindOf(node: JsonSchema): Setting["kind"] {
  if (node.type === "integer" || node.type === "number") return "number";
  if (node.type === "boolean") return "boolean";
  return node.type === "array" ? "list" : "text";
}

function acceptsOf(node: JsonSchema): string {
  if (node.enum !== undefined) return `one of ${node.enum.join(", ")}`;
  if (node.type === "array") return `list of ${acceptsOf(node.items ?? {})}`;
  if (kindOf(node) !== "number") return node.type === "boolean" ? "true or false" : "text";
  const { minimum, maximum = Number.MAX_SAFE_INTEGER } = node;
  if (minimum === undefined) return "number";
  return maximum === Number.MAX_SAFE_INTEGER ? `number from ${minimum}` : `number from ${minimum} to ${maximum}`;
}

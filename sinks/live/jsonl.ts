import type { Sink } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { type RecordKind, schemaOf } from "../../core/records/codec.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { Output } from "./output.ts";

/**
 * One JSON object a line: every window of every connection (`"type":"flow"`), what was lost (`"type":"loss"`), and what was
 * changed of the controls (`"type":"change"`).
 */
export class JsonLines implements Sink<Flow> {
  readonly name = "jsonl";
  readonly #output: Output;
  readonly #flowLine = lineWriter("flow");
  readonly #lossLine = lineWriter("loss");
  readonly #changeLine = lineWriter("change");

  constructor(output: Output) {
    this.#output = output;
  }

  readonly losses: Sink<Loss> = {
    name: "jsonl-losses",
    write: (batch) => this.#output.write(batch.map(this.#lossLine).join("")),
  };

  readonly changes: Sink<ChangeRecord> = {
    name: "jsonl-changes",
    write: (batch) => this.#output.write(batch.map(this.#changeLine).join("")),
  };

  write(batch: readonly Flow[]): Promise<void> {
    return this.#output.write(batch.map(this.#flowLine).join(""));
  }
}

function lineWriter(type: "flow" | "loss" | "change"): (record: object) => string {
  const objectOf = objectWriter(type);
  return (record) => `${JSON.stringify(objectOf(record))}\n`;
}

/** Gives records their type, and their keys in the order of their Avro schema, so that equal records give equal text. */
export function objectWriter(type: RecordKind): (record: object) => Readonly<Record<string, unknown>> {
  const orders = fieldOrders(schemaOf(type));
  return (record) => ({ type, ...(ordered(record, orders) as object) });
}

/** The field names of every record type within a schema. */
function fieldOrders(schema: unknown): readonly (readonly string[])[] {
  if (typeof schema !== "object" || schema === null) return [];
  if (Array.isArray(schema)) return schema.flatMap(fieldOrders);
  const { type, fields, items } = schema as {
    readonly type?: unknown;
    readonly items?: unknown;
    readonly fields?: readonly { readonly name: string }[];
  };
  if (fields === undefined) return fieldOrders(items ?? type);
  return [fields.map(({ name }) => name), ...fields.flatMap(fieldOrders)];
}

/** The same value, keys in order: of a record as in its schema, of a map by name. */
function ordered(value: unknown, orders: readonly (readonly string[])[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return typeof value[0] === "object" ? value.map((item) => ordered(item, orders)) : value;
  const names = Object.keys(value);
  const order = orders.find((keys) => keys.length === names.length && keys.every((key) => key in value));
  const parts = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries((order ?? names.sort()).map((key) => [key, ordered(parts[key], orders)]));
}

import type { Schema } from "avsc";
import type { AvroWriter } from "./avro-writer.ts";
import { type SchemaField, type SchemaType, schemaType } from "./schema-types.ts";

/**
 * Makes straight code for a schema, as avsc does, but for records of ours only: their values are believed, and nested records that
 * come again as the same object are encoded once. Several times as quick: avsc asks each branch of a union whether a value is one of its
 * own, and makes a buffer for each address. The bytes are those that avsc makes.
 *
 * `shared`: names of records, and of fields with arrays, whose objects come again and never change.
 */
export function encoderOf<T>(schema: Schema, writer: AvroWriter, shared: ReadonlySet<string>): (record: T) => void {
  const source = new EncoderSource(shared);
  const whole = source.statement(schemaType(schema), "record");
  const text = `"use strict";\n${[...source.parts.values()].join("\n")}\nreturn (record) => { ${whole} };`;
  return new Function("writer", "refuse", text)(writer, refuse) as (record: T) => void;
}

function refuse(value: unknown): never {
  throw new Error(`a record has the symbol ${JSON.stringify(value)}, which its schema has not`);
}

class EncoderSource {
  /** Functions and tables, by name of the type. */
  readonly parts = new Map<string, string>();
  readonly #shared: ReadonlySet<string>;

  constructor(shared: ReadonlySet<string>) {
    this.#shared = shared;
  }

  /** Writes the value of an expression. */
  statement(type: SchemaType, value: string): string {
    switch (type.kind) {
      case "fixed":
        return `writer.raw(${value});`;
      case "enum":
        return this.#symbol(type, value);
      case "record":
        return this.#record(type, value);
      case "orNull":
        return `if (${value} === null) writer.long(0); else { writer.long(1); ${this.statement(type.of, value)} }`;
      case "array":
        return this.#items(value, `for (const item of items) { ${this.statement(type.of, "item")} }`);
      case "map":
        return this.#items(
          `Object.entries(${value})`,
          `for (const [key, item] of items) { writer.string(key); ${this.statement(type.of, "item")} }`,
        );
      case "boolean":
      case "long":
      case "string":
      case "address":
      case "ruleId":
        return `writer.${type.kind}(${value});`;
    }
  }

  #symbol({ name, symbols }: SchemaType & { readonly kind: "enum" }, value: string): string {
    const indices = Object.fromEntries(symbols.map((symbol, index) => [symbol, index]));
    this.parts.set(name, `const index${name} = ${JSON.stringify(indices)};`);
    return `writer.long(index${name}[${value}] ?? refuse(${value}));`;
  }

  #record({ name, fields }: SchemaType & { readonly kind: "record" }, value: string): string {
    if (!this.parts.has(name)) {
      const statements = fields.map((field) => this.#field(field));
      this.parts.set(name, `function write${name}(value) {\n${statements.join("\n")}\n}`);
    }
    return this.#shared.has(name) ? `writer.shared(${value}, write${name});` : `write${name}(${value});`;
  }

  #field({ name, type }: SchemaField): string {
    if (type.kind !== "array" || !this.#shared.has(name)) return this.statement(type, `value.${name}`);
    const write = `writeItemsOf_${name}`;
    this.parts.set(write, `function ${write}(list) {\n${this.statement(type, "list")}\n}`);
    return `if (value.${name}.length === 0) writer.long(0); else writer.shared(value.${name}, ${write});`;
  }

  /** One block, if there is anything, and the end. */
  #items(value: string, each: string): string {
    return `{ const items = ${value}; if (items.length > 0) { writer.long(items.length); ${each} } writer.long(0); }`;
  }
}

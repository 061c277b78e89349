import type { Schema } from "avsc";
import type { AvroReader } from "./avro-reader.ts";
import { type SchemaType, schemaType } from "./schema-types.ts";

/**
 * The reverse of encoder.ts: straight code that reads what was written with the same schema. Texts that a field has again and again, and
 * nested records named in `shared`, are one string and one object.
 */
export function decoderOf<T>(schema: Schema, reader: AvroReader, shared: ReadonlySet<string>): () => T {
  const source = new DecoderSource(shared);
  const whole = source.read(schemaType(schema));
  const text = `"use strict";\n${[...source.parts.values()].join("\n")}\nreturn () => ${whole};`;
  return new Function("reader", text)(reader) as () => T;
}

class DecoderSource {
  /** Functions and tables, by name. */
  readonly parts = new Map<string, string>();
  readonly #shared: ReadonlySet<string>;
  #memos = 0;

  constructor(shared: ReadonlySet<string>) {
    this.#shared = shared;
  }

  /** An expression that is the value. */
  read(type: SchemaType): string {
    switch (type.kind) {
      case "string":
        return `reader.text(${this.#memo()})`;
      case "fixed":
        return `reader.fixed(${type.size})`;
      case "enum":
        this.parts.set(type.name, `const symbols${type.name} = ${JSON.stringify(type.symbols)};`);
        return `reader.symbol(symbols${type.name})`;
      case "record":
        return this.#record(type);
      case "orNull":
        return `(reader.isNull() ? null : ${this.read(type.of)})`;
      case "array":
        return this.#function(`const items = [];\n${blocks(`items.push(${this.#item(type.of)});`)}\nreturn items;`);
      case "map":
        return this.#function(
          `const items = [];\n${blocks(`items.push([reader.string(), ${this.#item(type.of)}]);`)}\nreturn Object.fromEntries(items);`,
        );
      case "boolean":
      case "long":
      case "address":
      case "ruleId":
        return `reader.${type.kind}()`;
    }
  }

  /** Goes to the end of the value. */
  #skip(type: SchemaType): string {
    switch (type.kind) {
      case "string":
        return "reader.skipString();";
      case "fixed":
        return `reader.skipFixed(${type.size});`;
      case "address":
        return "reader.skipFixed(16);";
      case "ruleId":
        return "reader.skipFixed(8);";
      case "boolean":
        return "reader.skipFixed(1);";
      case "record":
        return type.fields.map((field) => this.#skip(field.type)).join(" ");
      case "orNull":
        return `if (!reader.isNull()) { ${this.#skip(type.of)} }`;
      case "array":
        return `{ ${blocks(this.#skip(type.of))} }`;
      case "map":
        return `{ ${blocks(`reader.skipString(); ${this.#skip(type.of)}`)} }`;
      case "enum":
      case "long":
        return "reader.long();";
    }
  }

  /** Neighbours in an array or map differ, so a memo would only cost. */
  #item(type: SchemaType): string {
    return type.kind === "string" ? "reader.string()" : this.read(type);
  }

  #record(type: SchemaType & { readonly kind: "record" }): string {
    const { name, fields } = type;
    const values = fields.map((field) => `${field.name}: ${this.read(field.type)}`);
    this.parts.set(name, `const read${name} = () => ({ ${values.join(", ")} });`);
    if (!this.#shared.has(name)) return `read${name}()`;
    this.parts.set(`skip ${name}`, `const skip${name} = () => { ${this.#skip(type)} };`);
    return `reader.shared(skip${name}, read${name})`;
  }

  #function(body: string): string {
    const name = `part${this.parts.size}`;
    this.parts.set(name, `const ${name} = () => {\n${body}\n};`);
    return `${name}()`;
  }

  #memo(): string {
    const name = `memo${this.#memos++}`;
    this.parts.set(name, `const ${name} = { bytes: new Uint8Array(), text: "" };`);
    return name;
  }
}

function blocks(each: string): string {
  return `for (let left = reader.count(); left > 0; left = reader.count()) for (; left > 0; left--) { ${each} }`;
}

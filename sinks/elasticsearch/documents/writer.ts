import type { DocumentField } from "./field.ts";
import type { JsonBytes } from "./json-bytes.ts";

interface Branch<R> {
  readonly fields: DocumentField<R>[];
  readonly leaves: Map<string, DocumentField<R>>;
  readonly branches: Map<string, Branch<R>>;
}

/** Writes the document of a record, with the end of its line. */
export type WriteDocument<R> = (record: R, out: JsonBytes) => void;

/**
 * Makes straight code that writes a record as the JSON of its document, without an object in between: constant fragments and the values of
 * the record, part by part. `shared` names parts of records whose objects come again and never change (enrichers give all records of a
 * pod the same): what only they decide is written once for each object.
 */
export function documentWriter<R>(
  fields: readonly DocumentField<R>[],
  shared: ReadonlySet<string> = new Set(),
): WriteDocument<R> {
  const root = emptyBranch<R>();
  for (const field of fields) plant(root, field.name.split("."), field);
  const source = new WriterSource<R>(shared);
  const members = source.membersOf(root);
  const whole = `return (record, out) => {\nlet value;\nout.put("{");\n${members}\nout.endLine();\n};`;
  const text = `"use strict";\n${source.functions.join("\n")}\n${whole}`;
  return new Function("values", "shares", text)(source.values, source.shares) as WriteDocument<R>;
}

function emptyBranch<R>(): Branch<R> {
  return { fields: [], leaves: new Map(), branches: new Map() };
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

class WriterSource<R> {
  readonly functions: string[] = [];
  /** What makes JSON text of a value, or of the record; called by index. */
  readonly values: unknown[] = [];
  /** What was written of shared objects. */
  readonly shares: WeakMap<object, Uint8Array>[] = [];
  readonly #shared: ReadonlySet<string>;
  #objects = 0;

  constructor(shared: ReadonlySet<string>) {
    this.#shared = shared;
  }

  /** Statements that write the members of an object. */
  membersOf({ leaves, branches }: Branch<R>): string {
    const constants = [...leaves].flatMap(([name, { constant }]) =>
      constant === undefined ? [] : [`${JSON.stringify(name)}:${constant},`],
    );
    return [
      ...(constants.length === 0 ? [] : [`out.put(${JSON.stringify(constants.join(""))});`]),
      ...[...leaves].filter(([, { constant }]) => constant === undefined).map(([name, leaf]) => this.#leaf(name, leaf)),
      ...[...branches].map(([name, branch]) => this.#object(name, branch)),
    ].join("\n");
  }

  #leaf(name: string, { stored, write }: DocumentField<R>): string {
    const key = JSON.stringify(`${JSON.stringify(name)}:`);
    return `if ((value = ${this.#text(stored, write)}) !== undefined) out.member(${key}, value);`;
  }

  #text(stored: DocumentField<R>["stored"], write: unknown): string {
    if (stored === undefined) return `${this.#value(write)}(record)`;
    const [part, leaf] = stored.path.split(".").map(identifier) as [string, string | undefined];
    const value = this.#value(stored.write);
    if (leaf === undefined) return `${value}(record.${part})`;
    return `record.${part} === null ? undefined : ${value}(record.${part}.${leaf})`;
  }

  /** The name of a constant of its own, so that each call always calls the same. */
  #value(write: unknown): string {
    const known = this.values.indexOf(write);
    const index = known < 0 ? this.values.push(write) - 1 : known;
    if (known < 0) this.functions.unshift(`const value${index} = values[${index}];`);
    return `value${index}`;
  }

  #object(name: string, branch: Branch<R>): string {
    const write = `write${this.#objects++}`;
    const key = JSON.stringify(`${JSON.stringify(name)}:{`);
    const body = `let value;\nconst start = out.beginObject(${key});\n${this.membersOf(branch)}\nout.endObject(start);`;
    this.functions.push(`function ${write}(record, out) {\n${body}\n}`);
    return this.#once(branch.fields, write);
  }

  /** A call of a function, of which the result is kept where only one shared object decides it. */
  #once(fields: readonly DocumentField<R>[], write: string): string {
    const part = onlyPart(fields);
    if (part === undefined || !this.#shared.has(part)) return `${write}(record, out);`;
    const share = `shares[${this.shares.push(new WeakMap()) - 1}]`;
    return `if (record.${identifier(part)} !== null) {
      const known = ${share}.get(record.${part});
      if (known !== undefined) out.bytes(known);
      else {
        const begin = out.length;
        ${write}(record, out);
        ${share}.set(record.${part}, out.since(begin));
      }
    }`;
  }
}

/** The object of the record that alone decides what these fields are. */
function onlyPart<R>(fields: readonly DocumentField<R>[]): string | undefined {
  const parts = new Set(
    fields.map(({ stored }) => (stored?.path.includes(".") ? stored.path.split(".")[0] : undefined)),
  );
  return parts.size === 1 ? [...parts][0] : undefined;
}

/** Names get into source text. */
function identifier(name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new Error(`"${name}" is no name of a part of a record`);
  return name;
}

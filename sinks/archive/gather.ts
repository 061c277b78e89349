import {
  BOOLEAN,
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  INTEGER,
} from "@duckdb/node-api";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Database } from "./database.ts";
import type { Group, GroupValue, Table } from "./table.ts";

/** Rows that DuckDB takes at once: its vector size. */
const chunkRows = 2048;

/**
 * Rows that are not in a file yet. They wait as records until there are enough for DuckDB or somebody asks; then their measures go to a
 * table of numbers and each group of texts that was not met before to a table of its own, which `relation` joins. A tenth of
 * the work of appending every text of every row.
 */
export class Gather<T> {
  readonly #name: string;
  readonly #table: Table<T>;
  readonly #connection: DuckDBConnection;
  readonly #ids: readonly Map<string, number>[];
  /** Enrichers give the same object to all records of an endpoint: then nothing needs comparing. */
  readonly #shared: readonly WeakMap<object, number>[];
  #waiting: T[] = [];
  #rows = 0;
  #appenders: Appenders | undefined;

  private constructor(name: string, table: Table<T>, connection: DuckDBConnection) {
    this.#name = name;
    this.#table = table;
    this.#connection = connection;
    this.#ids = table.groups.map(() => new Map());
    this.#shared = table.groups.map(() => new WeakMap());
  }

  /** `name` is the SQL name, unique in the database. */
  static async open<T>(database: Database, name: string, table: Table<T>): Promise<Gather<T>> {
    const connection = await database.connect();
    const gather = new Gather(name, table, connection);
    for (const sql of gather.#definitions()) await connection.run(sql);
    const groups = await Promise.all(table.groups.map((of) => connection.createAppender(gather.#groupName(of))));
    gather.#appenders = { facts: await connection.createAppender(name), groups };
    return gather;
  }

  get rows(): number {
    return this.#rows;
  }

  add(records: readonly T[]): void {
    for (const record of records) this.#waiting.push(record);
    this.#rows += records.length;
    let from = 0;
    for (; this.#waiting.length - from >= chunkRows; from += chunkRows)
      this.#append(this.#waiting.slice(from, from + chunkRows));
    if (from > 0) this.#waiting = this.#waiting.slice(from);
  }

  /** Makes everything added so far visible, and gives the relation with all columns of the table. */
  relation(): string {
    if (this.#waiting.length > 0) this.#append(this.#waiting);
    this.#waiting = [];
    for (const appender of this.#all()) appender.flushSync();
    const facts = this.#table.measures.map(({ name, type }) => `${measure(name, type)} as "${name}"`);
    const texts = this.#table.groups.flatMap(({ name, columns }) =>
      columns.map((column) => `"${name}"."${column.name}"`),
    );
    const joins = this.#table.groups.map(
      (of) => `left join "${this.#groupName(of)}" "${of.name}" on "${of.name}".id = f."${of.name}"`,
    );
    return `(select ${[...facts, ...texts].join(", ")} from "${this.#name}" f ${joins.join(" ")})`;
  }

  async close(): Promise<void> {
    for (const appender of this.#all()) appender.closeSync();
    this.#appenders = undefined;
    for (const name of [this.#name, ...this.#table.groups.map((of) => this.#groupName(of))])
      await this.#connection.run(`drop table if exists "${name}"`);
    this.#connection.closeSync();
  }

  #all(): readonly DuckDBAppender[] {
    return this.#appenders === undefined ? [] : [...this.#appenders.groups, this.#appenders.facts];
  }

  #append(records: readonly T[]): void {
    if (this.#appenders === undefined) throw new Error(`${this.#name} is not open`);
    try {
      const columns = this.#table.measures.map(({ of }) => records.map(of));
      const groups = this.#table.groups.map((_, index) => records.map((record) => this.#idOf(index, record)));
      const types = this.#table.measures.map(({ type }) => (type === "BOOLEAN" ? BOOLEAN : DOUBLE));
      const chunk = DuckDBDataChunk.create([...types, ...groups.map(() => INTEGER)], records.length);
      chunk.setColumns([...columns, ...groups]);
      this.#appenders.facts.appendDataChunk(chunk);
    } catch (thrown) {
      throw new SluiceError("STORE_FAILED", `archive: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  /** Number of the record's group; a new one goes to the group's table first. */
  #idOf(index: number, record: T): number | null {
    const of = this.#table.groups[index] as Group<T>;
    const part = of.partOf(record);
    if (part === null) return null;
    const shared = typeof part === "object" ? this.#shared[index]?.get(part) : undefined;
    if (shared !== undefined) return shared;
    const ids = this.#ids[index] as Map<string, number>;
    const key = typeof part === "string" ? part : JSON.stringify(part);
    const id = ids.get(key) ?? ids.size;
    if (id === ids.size) {
      ids.set(key, id);
      this.#appendGroup(this.#appenders?.groups[index] as DuckDBAppender, id, of.valuesOf(record));
    }
    if (typeof part === "object" && of.shared) this.#shared[index]?.set(part, id);
    return id;
  }

  #appendGroup(appender: DuckDBAppender, id: number, values: readonly GroupValue[]): void {
    appender.appendInteger(id);
    for (const value of values)
      if (value === null) appender.appendNull();
      else if (typeof value === "string") appender.appendVarchar(value);
      else if (typeof value === "bigint") appender.appendUBigInt(value);
      else appender.appendBoolean(value);
    appender.endRow();
  }

  #groupName(of: Group<T>): string {
    return `${this.#name}_${of.name}`;
  }

  /** Numbers come as doubles, which are exact for what a record can hold, and cost no BigInt each. */
  #definitions(): readonly string[] {
    const { measures, groups } = this.#table;
    const facts = measures.map(({ name, type }) => `"${name}" ${type === "BOOLEAN" ? "BOOLEAN" : "DOUBLE"}`);
    const ids = groups.map(({ name }) => `"${name}" INTEGER`);
    return [
      `create table "${this.#name}" (${[...facts, ...ids].join(", ")})`,
      ...groups.map((of) => {
        const columns = of.columns.map(({ name, type }) => `"${name}" ${type}`);
        return `create table "${this.#groupName(of)}" (id INTEGER, ${columns.join(", ")})`;
      }),
    ];
  }
}

interface Appenders {
  readonly facts: DuckDBAppender;
  readonly groups: readonly DuckDBAppender[];
}

function measure(name: string, type: string): string {
  switch (type) {
    case "TIMESTAMP":
      return `make_timestamp(f."${name}"::BIGINT)`;
    case "BOOLEAN":
      return `f."${name}"`;
    default:
      return `f."${name}"::${type}`;
  }
}

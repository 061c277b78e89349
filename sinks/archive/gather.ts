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
  readonly #database: Database;
  readonly #ids: readonly Map<string, number>[];
  /** Enrichers give the same object to all records of an endpoint: then nothing needs comparing. */
  readonly #shared: readonly WeakMap<object, number>[];
  #waiting: T[] = [];
  #rows = 0;
  #tables: Promise<Tables> | undefined;
  #draining: Promise<void> = Promise.resolve();

  /** `name` is the SQL name, unique in the database. */
  constructor(database: Database, name: string, table: Table<T>) {
    this.#database = database;
    this.#name = name;
    this.#table = table;
    this.#ids = table.groups.map(() => new Map());
    this.#shared = table.groups.map(() => new WeakMap());
  }

  get rows(): number {
    return this.#rows;
  }

  add(records: readonly T[]): void {
    for (const record of records) this.#waiting.push(record);
    this.#rows += records.length;
  }

  /** Hands to DuckDB what is waiting, if it is at least `least` rows. One that fails fails for ever: nothing may be left out. */
  drain(least = chunkRows): Promise<void> {
    this.#draining = this.#draining.then(async () => {
      if (this.#waiting.length < least) return;
      this.#tables ??= this.#open();
      const tables = await this.#tables;
      while (this.#waiting.length >= least && this.#waiting.length > 0) {
        this.#append(tables, this.#waiting.slice(0, chunkRows));
        this.#waiting = this.#waiting.slice(chunkRows);
        await new Promise<void>((resolve) => setImmediate(resolve)); // others want the thread too
      }
    });
    return this.#draining;
  }

  /** Makes everything added so far visible, and gives the relation with all columns of the table. */
  async relation(): Promise<string> {
    await this.drain(1);
    const tables = await this.#tables;
    for (const appender of tables === undefined ? [] : [...tables.groups, tables.facts]) appender.flushSync();
    const facts = this.#table.measures.map(({ name, type }) => `${measure(name, type)} as "${name}"`);
    const texts = this.#table.groups.flatMap(({ name, columns }) =>
      columns.map((column) => `"${name}"."${column.name}"`),
    );
    const joins = this.#table.groups.map(
      (of) => `left join "${this.#groupName(of)}" "${of.name}" on "${of.name}".id = f."${of.name}"`,
    );
    return `(select ${[...facts, ...texts].join(", ")} from "${this.#name}" f ${joins.join(" ")})`;
  }

  /** Forgets the rows. */
  async close(): Promise<void> {
    const tables = await this.#tables?.catch(() => undefined);
    if (tables === undefined) return;
    for (const appender of [...tables.groups, tables.facts]) appender.closeSync();
    for (const name of [this.#name, ...this.#table.groups.map((of) => this.#groupName(of))])
      await tables.connection.run(`drop table if exists "${name}"`);
    tables.connection.closeSync();
  }

  async #open(): Promise<Tables> {
    const connection = await this.#database.connect();
    for (const sql of this.#definitions()) await connection.run(sql);
    const groups: DuckDBAppender[] = [];
    for (const of of this.#table.groups) groups.push(await connection.createAppender(this.#groupName(of)));
    return { connection, groups, facts: await connection.createAppender(this.#name) };
  }

  #append(tables: Tables, records: readonly T[]): void {
    try {
      const columns = this.#table.measures.map(({ of }) => records.map(of));
      const groups = this.#table.groups.map((_, index) => records.map((record) => this.#idOf(tables, index, record)));
      const types = this.#table.measures.map(({ type }) => (type === "BOOLEAN" ? BOOLEAN : DOUBLE));
      const chunk = DuckDBDataChunk.create([...types, ...groups.map(() => INTEGER)], records.length);
      chunk.setColumns([...columns, ...groups]);
      tables.facts.appendDataChunk(chunk);
    } catch (thrown) {
      throw new SluiceError("STORE_FAILED", `archive: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  /** Number of the record's group; a new one goes to the group's table first. */
  #idOf(tables: Tables, index: number, record: T): number | null {
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
      this.#appendGroup(tables.groups[index] as DuckDBAppender, id, of.valuesOf(record));
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

interface Tables {
  readonly connection: DuckDBConnection;
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

import { randomBytes } from "node:crypto";
import type { DuckDBAppender, DuckDBConnection } from "@duckdb/node-api";
import type { Database } from "./database.ts";
import type { Group, GroupValue, Table } from "./table.ts";
import { TextNumbers } from "./text-numbers.ts";

/** A dictionary that holds more is given up for a new one: pods come and go. */
const greatestEntries = 200_000;

/** Ids of one dictionary are below it: the rows of one flush cannot bring as many new entries. */
const idSpace = 1n << 23n;

/** The groups of columns that rows of one kind have had, each distinct one once, in a table a group. Rows in memory hold their numbers. */
export class Dictionary<T> {
  /** What is added to an id in files, where those of many dictionaries meet: 40 random bits tell them apart. */
  readonly base: bigint = BigInt(`0x${randomBytes(5).toString("hex")}`) * idSpace;
  readonly #database: Database;
  readonly #name: string;
  readonly #groups: readonly Group<T>[];
  readonly #ids: readonly TextNumbers[];
  /** Enrichers give the same object to all records of an endpoint: then nothing needs comparing. */
  readonly #shared: readonly WeakMap<object, number>[];
  #tables: Promise<void> | undefined;
  #connection: DuckDBConnection | undefined;
  #appenders: DuckDBAppender[] = [];
  #fresh = false;
  #users = 0;

  /** `name` begins the SQL names of its tables. */
  constructor(database: Database, name: string, { groups }: Table<T>) {
    this.#database = database;
    this.#name = name;
    this.#groups = groups;
    this.#ids = groups.map(() => new TextNumbers());
    this.#shared = groups.map(() => new WeakMap());
  }

  get isFull(): boolean {
    return this.#ids.reduce((sum, { size }) => sum + size, 0) >= greatestEntries;
  }

  /** Who has retained it calls `release` once; the last of them closes it. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    await this.#tables?.catch(() => {});
    for (const appender of this.#appenders) appender.closeSync();
    for (const { name } of this.#groups) await this.#connection?.run(`drop table if exists "${this.tableOf(name)}"`);
    this.#connection?.closeSync();
    this.#connection = undefined;
  }

  open(): Promise<void> {
    this.#tables ??= this.#create();
    return this.#tables;
  }

  tableOf(group: string): string {
    return `${this.#name}_${group}`;
  }

  /** Number of the record's group, from 1, or 0 if it has none; a new one goes to the group's table first. */
  idOf(index: number, record: T): number {
    const group = this.#groups[index] as Group<T>;
    const object = group.sharedOf?.(record);
    if (object === undefined) return this.#idOfKey(index, record);
    if (object === null) return 0;
    const shared = this.#shared[index] as WeakMap<object, number>;
    const known = shared.get(object);
    if (known !== undefined) return known;
    const id = this.#idOfKey(index, record);
    shared.set(object, id);
    return id;
  }

  #idOfKey(index: number, record: T): number {
    const group = this.#groups[index] as Group<T>;
    const key = group.keyOf(record);
    if (key === null) return 0;
    return (this.#ids[index] as TextNumbers).numberOf(key, (id) => {
      append(this.#appenders[index] as DuckDBAppender, id, group.valuesOf(record));
      this.#fresh = true;
    });
  }

  /** Makes all entries visible to statements. */
  flush(): void {
    if (this.#fresh) for (const appender of this.#appenders) appender.flushSync();
    this.#fresh = false;
  }

  async #create(): Promise<void> {
    const connection = await this.#database.connect();
    this.#connection = connection;
    for (const { name, columns } of this.#groups) {
      const definitions = columns.map((column) => `"${column.name}" ${column.type}`);
      await connection.run(`create table "${this.tableOf(name)}" (id INTEGER, ${definitions.join(", ")})`);
      this.#appenders.push(await connection.createAppender(this.tableOf(name)));
    }
  }
}

function append(appender: DuckDBAppender, id: number, values: readonly GroupValue[]): void {
  appender.appendInteger(id);
  for (const value of values)
    if (value === null) appender.appendNull();
    else if (typeof value === "string") appender.appendVarchar(value);
    else if (typeof value === "bigint") appender.appendUBigInt(value);
    else appender.appendBoolean(value);
  appender.endRow();
}

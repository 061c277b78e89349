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
import type { Dictionary } from "./dictionary.ts";
import type { Table } from "./table.ts";

/** Rows that DuckDB takes at once: its vector size. */
const chunkRows = 2048;

/**
 * Rows that are not in a file yet. They wait as records until there are enough for DuckDB or somebody asks; then their measures go to a
 * table of numbers, and their groups of texts to the dictionary, which `relation` joins. A tenth of the work of appending
 * every text of every row.
 */
export class Gather<T> {
  readonly #name: string;
  readonly #table: Table<T>;
  readonly #database: Database;
  readonly #dictionary: Dictionary<T>;
  #waiting: T[] = [];
  #rows = 0;
  #facts: Promise<Facts> | undefined;
  #draining: Promise<void> = Promise.resolve();

  /** `name` is the SQL name, unique in the database. The dictionary stays open as long as this is. */
  constructor(database: Database, name: string, table: Table<T>, dictionary: Dictionary<T>) {
    this.#database = database;
    this.#name = name;
    this.#table = table;
    this.#dictionary = dictionary;
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
      await this.#dictionary.open();
      this.#facts ??= this.#open();
      const { appender } = await this.#facts;
      while (this.#waiting.length >= least && this.#waiting.length > 0) {
        this.#append(appender, this.#waiting.slice(0, chunkRows));
        this.#waiting = this.#waiting.slice(chunkRows);
        await new Promise<void>((resolve) => setImmediate(resolve)); // others want the thread too
      }
    });
    return this.#draining;
  }

  /** Makes everything added so far visible, and gives the relation with all columns of the table. */
  async relation(): Promise<string> {
    await this.drain(1);
    this.#dictionary.flush();
    (await this.#facts)?.appender.flushSync();
    const facts = this.#table.measures.map(({ name, type }) => `${measure(name, type)} as "${name}"`);
    const texts = this.#table.groups.flatMap(({ name, columns }) =>
      columns.map((column) => `"${name}"."${column.name}"`),
    );
    const joins = this.#table.groups.map(
      ({ name }) => `left join "${this.#dictionary.tableOf(name)}" "${name}" on "${name}".id = f."${name}"`,
    );
    return `(select ${[...facts, ...texts].join(", ")} from "${this.#name}" f ${joins.join(" ")})`;
  }

  /** Forgets the rows. */
  async close(): Promise<void> {
    const facts = await this.#facts?.catch(() => undefined);
    if (facts !== undefined) {
      facts.appender.closeSync();
      await facts.connection.run(`drop table if exists "${this.#name}"`);
      facts.connection.closeSync();
    }
    await this.#dictionary.release();
  }

  /** Numbers come as doubles, which are exact for what a record can hold, and cost no BigInt each. */
  async #open(): Promise<Facts> {
    const { measures, groups } = this.#table;
    const numbers = measures.map(({ name, type }) => `"${name}" ${type === "BOOLEAN" ? "BOOLEAN" : "DOUBLE"}`);
    const ids = groups.map(({ name }) => `"${name}" INTEGER`);
    const connection = await this.#database.connect();
    await connection.run(`create table "${this.#name}" (${[...numbers, ...ids].join(", ")})`);
    return { connection, appender: await connection.createAppender(this.#name) };
  }

  #append(appender: DuckDBAppender, records: readonly T[]): void {
    try {
      const { measures, groups } = this.#table;
      const numbers = measures.map(({ of }) => records.map(of));
      const ids = groups.map((_, index) => records.map((record) => this.#dictionary.idOf(index, record)));
      const types = measures.map(({ type }) => (type === "BOOLEAN" ? BOOLEAN : DOUBLE));
      const chunk = DuckDBDataChunk.create([...types, ...groups.map(() => INTEGER)], records.length);
      chunk.setColumns([...numbers, ...ids]);
      appender.appendDataChunk(chunk);
    } catch (thrown) {
      throw new SluiceError("STORE_FAILED", `archive: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

interface Facts {
  readonly connection: DuckDBConnection;
  readonly appender: DuckDBAppender;
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

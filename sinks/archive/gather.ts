import { DOUBLE, type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Database } from "./database.ts";
import type { Dictionary } from "./dictionary.ts";
import { l0Select, type OpenTables, openRelation } from "./l0.ts";
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

  /** The relation of everything added so far, with those columns. */
  async relation(columns: readonly string[]): Promise<string> {
    await this.#show();
    return openRelation(this.#table, this.#tables, columns);
  }

  /** SELECT of an l0 file with the rows from one time to before another, microseconds. */
  async file(from: number, to: number): Promise<string> {
    await this.#show();
    return l0Select(this.#table, this.#tables, { from, to, base: this.#dictionary.base });
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

  get #tables(): OpenTables {
    return { facts: this.#name, partsOf: (group) => this.#dictionary.tableOf(group) };
  }

  /** Makes everything added so far visible to statements. */
  async #show(): Promise<void> {
    await this.drain(1);
    this.#dictionary.flush();
    (await this.#facts)?.appender.flushSync();
  }

  async #open(): Promise<Facts> {
    const { measures, groups } = this.#table;
    const names = [...measures.map(({ name }) => name), ...groups.map(({ name }) => `of_${name}`)];
    const connection = await this.#database.connect();
    await connection.run(`create table "${this.#name}" (${names.map((name) => `"${name}" DOUBLE`).join(", ")})`);
    return { connection, appender: await connection.createAppender(this.#name) };
  }

  /**
   * All as doubles, which are exact for what a record can hold; null is NaN. Integers would cost a BigInt each, nulls several: the
   * binding keeps them as bits of BigInts.
   */
  #append(appender: DuckDBAppender, records: readonly T[]): void {
    try {
      const { measures, groups } = this.#table;
      const chunk = DuckDBDataChunk.create(new Array(measures.length + groups.length).fill(DOUBLE), records.length);
      for (const [index, { of }] of measures.entries())
        chunk.setColumnValues(
          index,
          records.map((record) => Number(of(record) ?? Number.NaN)),
        );
      for (const index of groups.keys())
        chunk.setColumnValues(
          measures.length + index,
          records.map((record) => this.#dictionary.idOf(index, record)),
        );
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

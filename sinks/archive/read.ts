import { checkFormat } from "../../core/data-folder.ts";
import { SluiceError } from "../../core/errors.ts";
import type { RecordKind } from "../../core/records/codec.ts";
import type { Archive } from "./archive.ts";
import { Catalog } from "./catalog.ts";
import { type Bound, Database, type Row } from "./database.ts";
import { realDisk } from "./disk.ts";
import { fileRelation } from "./file-relation.ts";
import { columnsOf, type Table } from "./table.ts";
import { tables } from "./tables.ts";

export interface ReaderOptions {
  /** The data folder. */
  readonly folder: string;
  /** What all questions together may use. */
  readonly memoryMb: number;
  /** The writer, if it is in this process: then rows are seen that are in no file yet. */
  readonly archive?: Archive;
  /** To share with others who read; whoever gives it closes it. */
  readonly database?: Database;
}

/** So often a question is asked again because a file it was to read had been merged into another meanwhile. */
const attempts = 10;

/** Reads rows of a kind from files and, beside the writer, from memory; each once. */
export class Reader {
  readonly #archive: Archive | undefined;
  readonly #database: Database;
  readonly #owned: boolean;
  readonly #catalog: Catalog;
  readonly #folder: string;
  #readable: Promise<void> | undefined;

  constructor({ folder, memoryMb, archive, database }: ReaderOptions) {
    this.#folder = folder;
    this.#archive = archive;
    this.#owned = archive === undefined && database === undefined;
    this.#database = archive?.database ?? database ?? new Database({ memoryMb, spill: `${folder}/archive-spill` });
    this.#catalog = archive?.catalog ?? new Catalog(folder, realDisk, this.#database);
  }

  /** Throws DATA_VERSION for a folder of another version, as whatever is asked first does. */
  async hours(kind: RecordKind, first?: number, last?: number): Promise<readonly number[]> {
    this.#readable ??= checkFormat(this.#folder);
    await this.#readable;
    return this.#catalog.hours(kind, first, last);
  }

  /** `sqlOf` makes a statement of the relation that holds the rows of `hours` (and those of no file, of whatever hour). */
  async rows(
    kind: RecordKind,
    hours: readonly number[],
    sqlOf: (relation: string) => string,
    bound: Bound,
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    const columns = columnsIn(sqlOf("rows"), tables[kind]);
    for (let attempt = 1; ; attempt++) {
      const open = await this.#archive?.openRows(kind, columns);
      try {
        const files = await this.#files(kind, hours, (name) => open?.covers(name) ?? false);
        const relations = [
          ...(files.length === 0 ? [] : [fileRelation(tables[kind], files, columns)]),
          ...(open?.relations ?? []),
        ];
        if (relations.length === 0) return [];
        const all = relations.map((relation) => `select * from ${relation}`).join(" union all ");
        return await this.#database.rows(sqlOf(`(${all})`), bound, signal);
      } catch (thrown) {
        if (attempt === attempts || !isGone(thrown)) throw thrown;
      } finally {
        await open?.release();
      }
    }
  }

  /** Of the database, if it is the reader's own. */
  async close(): Promise<void> {
    if (this.#owned) await this.#database.close();
  }

  async #files(
    kind: RecordKind,
    hours: readonly number[],
    inMemory: (name: string) => boolean,
  ): Promise<readonly string[]> {
    const files: string[] = [];
    for (const hour of hours) {
      const folder = this.#catalog.folderOf(kind, hour);
      for (const name of (await this.#catalog.names(kind, hour)).counting)
        if (!inMemory(name)) files.push(`${folder}/${name}`);
    }
    return files;
  }
}

/** The columns that a statement names, or all if it asks for all: what it does not need is not joined. */
function columnsIn(sql: string, table: Table<never>): readonly string[] {
  const names = columnsOf(table).map(({ name }) => name);
  const words = new Set(sql.match(/\w+/g));
  return /\bselect (distinct )?\*/.test(sql) ? names : names.filter((name) => words.has(name));
}

/** DuckDB says it so in 1.5. */
function isGone(thrown: unknown): boolean {
  return thrown instanceof SluiceError && /No files found|Cannot open file|No such file/.test(thrown.message);
}

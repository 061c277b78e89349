import { mkdir } from "node:fs/promises";
import { type DuckDBConnection, DuckDBInstance, type DuckDBType, type DuckDBValue } from "@duckdb/node-api";
import { messageOf, SluiceError } from "../../core/errors.ts";

export type SqlValue = DuckDBValue;
export type Row = Readonly<Record<string, SqlValue>>;

/** Values of `$name` in a statement, and the types to bind them with where DuckDB would find others. */
export interface Bound {
  readonly values?: Record<string, SqlValue>;
  readonly types?: Record<string, DuckDBType>;
}

export interface DatabaseOptions {
  /** What all statements together may hold in memory, MiB; beyond it they go to `spill`. */
  readonly memoryMb: number;
  readonly spill: string;
  /** How many threads one statement may use; as many as there are cores if it is not given. */
  readonly threads?: number;
}

/** DuckDB in memory: it computes over files of ours and keeps none of its own. */
export class Database {
  readonly #options: DatabaseOptions;
  #instance: Promise<DuckDBInstance> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** Rows of one statement. A signal interrupts it, and then it throws what the signal carries. */
  async rows(sql: string, bindings: Bound = {}, signal?: AbortSignal): Promise<readonly Row[]> {
    signal?.throwIfAborted();
    const connection = await this.connect();
    const interrupt = () => connection.interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      const reader = await connection.runAndReadAll(sql, bindings.values, bindings.types);
      return reader.getRowObjects();
    } catch (thrown) {
      signal?.throwIfAborted();
      throw failed(thrown);
    } finally {
      signal?.removeEventListener("abort", interrupt);
      connection.closeSync();
    }
  }

  /** A connection for what `rows` does not do; the caller closes it. */
  async connect(): Promise<DuckDBConnection> {
    this.#instance ??= this.#create();
    return (await this.#instance).connect();
  }

  async close(): Promise<void> {
    const instance = await this.#instance;
    this.#instance = undefined;
    instance?.closeSync();
  }

  async #create(): Promise<DuckDBInstance> {
    const { memoryMb, spill, threads } = this.#options;
    try {
      await mkdir(spill, { recursive: true }).catch(() => {}); // a reader may lack the right; then it does not spill
      return await DuckDBInstance.create(":memory:", {
        memory_limit: `${memoryMb}MiB`,
        temp_directory: spill,
        ...(threads === undefined ? {} : { threads: String(threads) }),
        autoinstall_known_extensions: "false",
        autoload_known_extensions: "false",
      });
    } catch (thrown) {
      throw failed(thrown);
    }
  }
}

function failed(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  return new SluiceError("STORE_FAILED", `archive: ${messageOf(thrown).split("\n")[0]}`, { cause: thrown });
}

/** A text as SQL literal: for file names, which no parameter can carry. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Files as an argument of a table function. Their names are taken literally, also where they look like patterns. */
export function fileList(files: readonly string[]): string {
  return `[${files.map((file) => quoted(file.replace(/[*?[]/g, (special) => `[${special}]`))).join(", ")}]`;
}

/** Parquet files as a relation. */
export function parquet(files: readonly string[], columns = "*"): string {
  return `(select ${columns} from read_parquet(${fileList(files)}, hive_partitioning = false))`;
}

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** Parquet files, some or all of which may lack some columns: these are null there. */
export function mixedParquet(files: readonly string[], lacking: readonly Column[]): string {
  const all = `select * from read_parquet(${fileList(files)}, hive_partitioning = false, union_by_name = true)`;
  const nulls = lacking.map(({ name, type }) => `null::${type} as "${name}"`).join(", ");
  return `(${all} union all by name select ${nulls} where false)`;
}

import { type Database, quoted } from "./database.ts";
import type { Disk } from "./disk.ts";

/** Files whose names begin so are nobody's: what a crash left of them is removed by the next run. */
export const draftPrefix = ".tmp-";

/** A reader passes over a row group as a whole. Smaller ones than DuckDB's 122,880 cost 5 % more bytes; denials are found twice as fast. */
const rowGroupRows = 32_768;

export interface Publication {
  readonly folder: string;
  /** What the file holds: a SELECT. */
  readonly select: string;
  /** zstd for what stays; snappy costs less for what is soon replaced. */
  readonly compression: "zstd" | "snappy";
  /** Metadata of the file. */
  readonly replaces?: readonly string[];
}

/** Writes Parquet files that appear whole and durable, or not at all. */
export class Publisher {
  readonly #disk: Disk;
  readonly #database: Database;
  #drafts = 0;

  constructor(disk: Disk, database: Database) {
    this.#disk = disk;
    this.#database = database;
  }

  /** `nameOf` gets the draft's path, for names made of the content. Resolves with the file's path. */
  async publish(publication: Publication, nameOf: (draft: string) => Promise<string> | string): Promise<string> {
    const draft = await this.draft(publication);
    try {
      await this.#disk.sync(draft);
      const file = `${publication.folder}/${await nameOf(draft)}`;
      await this.#disk.rename(draft, file);
      await this.#disk.sync(publication.folder);
      return file;
    } catch (thrown) {
      await this.#disk.remove(draft).catch(() => {}); // the next run removes it
      throw thrown;
    }
  }

  /** Writes a file that does not count yet. The caller renames or removes it. */
  async draft({ folder, select, compression, replaces }: Publication): Promise<string> {
    await this.#disk.makeFolder(folder);
    const draft = `${folder}/${draftPrefix}${this.#drafts++}`;
    const metadata = replaces === undefined ? "" : `, kv_metadata {replaces: ${quoted(JSON.stringify(replaces))}}`;
    try {
      const options = `format parquet, compression ${compression}, parquet_version v2, row_group_size ${rowGroupRows}`;
      await this.#database.rows(`copy (${select}) to ${quoted(draft)} (${options}${metadata})`);
      return draft;
    } catch (thrown) {
      await this.#disk.remove(draft).catch(() => {});
      throw thrown;
    }
  }
}

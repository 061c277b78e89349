import { isoTime, parseTime } from "../../core/clock.ts";
import type { RecordKind } from "../../core/records/codec.ts";
import { type Database, fileList } from "./database.ts";
import type { Disk } from "./disk.ts";
import { archiveFolder, hourFolder, isSegment, spanOf, visible } from "./layout.ts";

/** Which files there are. It keeps nothing: a reader in another process sees what the writer sees. */
export class Catalog {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #database: Database;

  constructor(dataFolder: string, disk: Disk, database: Database) {
    this.#folder = archiveFolder(dataFolder);
    this.#disk = disk;
    this.#database = database;
  }

  folderOf(kind: RecordKind, hour: number): string {
    return `${this.#folder}/${kind}/${hourFolder(hour, isoTime)}`;
  }

  /** Hours that have a folder, ascending, from `first` to `last`. */
  async hours(
    kind: RecordKind,
    first = Number.NEGATIVE_INFINITY,
    last = Number.POSITIVE_INFINITY,
  ): Promise<readonly number[]> {
    const hours: number[] = [];
    for (const day of await this.#disk.list(`${this.#folder}/${kind}`)) {
      const start = hourOfDay(day);
      if (start === undefined || start + 23 < first || start > last) continue;
      for (const name of await this.#disk.list(`${this.#folder}/${kind}/${day}`)) {
        const [, digits] = /^hour=([01]\d|2[0-3])$/.exec(name) ?? [];
        const hour = start + Number(digits);
        if (digits !== undefined && hour >= first && hour <= last) hours.push(hour);
      }
    }
    return hours.sort((a, b) => a - b);
  }

  /** Names of all files of an hour, those that count and those replaced by others. */
  async names(
    kind: RecordKind,
    hour: number,
  ): Promise<{ readonly all: readonly string[]; readonly counting: readonly string[] }> {
    const folder = this.folderOf(kind, hour);
    const all = await this.#settled(folder);
    const segments = all.filter(isSegment);
    const mixed = segments.length > 0 && all.some((name) => spanOf(name) !== undefined);
    return { all, counting: visible(all, mixed ? await this.#replacedBy(folder, segments) : []) };
  }

  /**
   * A listing is no moment in time: it may miss a file that was published meanwhile and, later on, the files it replaces, which are
   * gone by then. Two equal listings in a row cannot have: the second would have met the new file.
   */
  async #settled(folder: string): Promise<readonly string[]> {
    let before = await this.#disk.list(folder);
    for (;;) {
      const now = await this.#disk.list(folder);
      if (now.length === before.length && now.every((name, at) => name === before[at])) return now;
      before = now;
    }
  }

  async #replacedBy(folder: string, segments: readonly string[]): Promise<readonly string[]> {
    const files = segments.map((name) => `${folder}/${name}`);
    const rows = await this.#database.rows(
      `select decode(value) as names from parquet_kv_metadata(${fileList(files)}) where decode(key) = 'replaces'`,
    );
    return rows.flatMap(({ names }) => JSON.parse(String(names)) as string[]);
  }
}

/** First hour of `day=2026-11-24`. */
function hourOfDay(name: string): number | undefined {
  const [, day] = /^day=(\d{4}-\d\d-\d\d)$/.exec(name) ?? [];
  const ms = day === undefined ? undefined : parseTime(`${day}T00:00:00Z`);
  return ms === undefined ? undefined : ms / 3_600_000;
}

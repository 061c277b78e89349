import type { RecordKind } from "../../core/records/codec.ts";
import type { Catalog } from "./catalog.ts";
import { type Database, parquet } from "./database.ts";
import type { Disk } from "./disk.ts";
import { fileRelation } from "./file-relation.ts";
import { l0Merged } from "./l0.ts";
import { isSegment, l0Name, type Span, segmentName, spanOf } from "./layout.ts";
import { mergesOf } from "./merges.ts";
import type { Publisher } from "./publish.ts";
import { tables } from "./tables.ts";

/** An immutable file of the archive: what a transparency log records. */
export interface Sealed {
  /** Path of the file. */
  readonly file: string;
  readonly sha256: string;
  readonly rows: number;
  readonly kind: RecordKind;
  /** Hours since the epoch. */
  readonly hour: number;
}

export interface UpkeepOptions {
  readonly catalog: Catalog;
  readonly database: Database;
  readonly disk: Disk;
  readonly publisher: Publisher;
  /** So many l0 files of a size become one. */
  readonly fanIn: number;
  /** Rows of a segment that are sorted together. */
  readonly sliceRows: number;
  readonly sealed: (sealed: Sealed) => void | Promise<void>;
}

/** Merges the l0 files of an hour, and seals it. A crash between any two steps leaves each record to be read once. */
export class Upkeep {
  readonly #options: UpkeepOptions;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Makes few files of many. `free` says which l0 files nobody reads from memory instead. */
  async merge(kind: RecordKind, hour: number, free: (span: Span) => boolean): Promise<void> {
    const { catalog, publisher, fanIn } = this.#options;
    const folder = catalog.folderOf(kind, hour);
    const spans = await this.#tidy(kind, hour);
    for (const { merged, parts } of mergesOf(spans.filter(free), fanIn)) {
      const files = parts.map((part) => `${folder}/${l0Name(part)}`);
      await publisher.publish({ folder, select: l0Merged(files), compression: "snappy" }, () => l0Name(merged));
      await this.#remove(folder, parts.map(l0Name));
    }
  }

  /** Makes one segment of all l0 files of an hour; true if none is left. */
  async seal(kind: RecordKind, hour: number, free: (span: Span) => boolean): Promise<boolean> {
    const { catalog, publisher, disk, sealed } = this.#options;
    const folder = catalog.folderOf(kind, hour);
    const spans = await this.#tidy(kind, hour);
    if (spans.length === 0) return true;
    if (!spans.every(free)) return false;
    const names = spans.map(l0Name);
    const source = await this.#withoutDuplicates(kind, hour, names);
    const rows = await this.#count(source);
    if (rows > 0) {
      const slices = await this.#slices(kind, folder, source, rows);
      try {
        let sha256 = "";
        const nameOf = async (draft: string) => {
          sha256 = await disk.sha256(draft);
          return segmentName(sha256);
        };
        const file = await publisher.publish(
          { folder, select: slices.select, compression: "zstd", replaces: names } as const,
          nameOf,
        );
        await sealed({ file, sha256, rows, kind, hour });
      } finally {
        for (const draft of slices.drafts) await disk.remove(draft);
      }
    }
    await this.#remove(folder, names);
    return true;
  }

  /** Ends what a crash interrupted: removes l0 files that others stand for. Gives the ones that count. */
  async #tidy(kind: RecordKind, hour: number): Promise<readonly Span[]> {
    const { catalog } = this.#options;
    const { all, counting } = await catalog.names(kind, hour);
    const replaced = all.filter((name) => spanOf(name) !== undefined && !counting.includes(name));
    await this.#remove(catalog.folderOf(kind, hour), replaced);
    return counting.flatMap((name) => spanOf(name) ?? []);
  }

  async #remove(folder: string, names: readonly string[]): Promise<void> {
    for (const name of names) await this.#options.disk.remove(`${folder}/${name}`);
  }

  async #count(relation: string): Promise<number> {
    const [row] = await this.#options.database.rows(`select count(*) as n from ${relation}`);
    return Number(row?.["n"]);
  }

  /** The rows of l0 files that no segment of this or the previous hour has, each once. Most often that is all of them. */
  async #withoutDuplicates(kind: RecordKind, hour: number, names: readonly string[]): Promise<string> {
    const { catalog, database } = this.#options;
    const id = tables[kind].id.map((column) => `"${column}"`).join(", ");
    const paths = names.map((name) => `${catalog.folderOf(kind, hour)}/${name}`);
    const files = fileRelation(tables[kind], paths);
    const ids = fileRelation(tables[kind], paths, tables[kind].id);
    const earlier: string[] = [];
    for (const at of [hour - 1, hour])
      for (const name of (await catalog.names(kind, at)).all)
        if (isSegment(name)) earlier.push(`${catalog.folderOf(kind, at)}/${name}`);
    const same = tables[kind].id.map((column) => `l."${column}" is not distinct from e."${column}"`).join(" and ");
    const fresh =
      earlier.length === 0
        ? files
        : `(select * from ${files} l where not exists (select 1 from ${parquet(earlier, id)} e where ${same}))`;
    const [row] = await database.rows(
      `select count(*) as n, (select count(*) from (select distinct ${id} from ${ids})) as d from ${ids}`,
    );
    if (row?.["n"] === row?.["d"]) return fresh;
    return `(select * from ${fresh} qualify row_number() over (partition by ${id}) = 1)`;
  }

  /** Sorts slice by slice into drafts, and gives the SELECT that strings them together. */
  async #slices(kind: RecordKind, folder: string, source: string, rows: number): Promise<Slices> {
    const { publisher, disk, sliceRows } = this.#options;
    const { apart } = tables[kind];
    const by = tables[kind].order.map((column) => `"${column}"`).join(", ");
    if (rows <= sliceRows) return { drafts: [], select: `select * from ${source} order by ${by}` };
    const drafts: string[] = [];
    try {
      for (const part of apart === undefined ? ["true"] : [apart, `(${apart}) is not true`])
        for (const span of await this.#spans(kind, source, part)) {
          const select = `select * from ${source} where ${part} and ${span} order by ${by}`;
          drafts.push(await publisher.draft({ folder, select, compression: "snappy" }));
        }
    } catch (thrown) {
      for (const draft of drafts) await disk.remove(draft).catch(() => {});
      throw thrown;
    }
    return { drafts, select: `select * from ${parquet(drafts)}` };
  }

  /** Conditions that cut the rows of a part, by time, into slices. */
  async #spans(kind: RecordKind, source: string, part: string): Promise<readonly string[]> {
    const { database, sliceRows } = this.#options;
    const { time } = tables[kind];
    const rows = await this.#count(`${source} where ${part}`);
    const count = Math.max(1, Math.ceil(rows / sliceRows));
    if (count === 1) return ["true"];
    const cuts = Array.from({ length: count - 1 }, (_, at) => (at + 1) / count).join(", ");
    const [row] = await database.rows(
      `select list_transform(quantile_disc(epoch_us("${time}"), [${cuts}]), cut -> cut::VARCHAR)::VARCHAR as cuts
       from ${source} where ${part}`,
    );
    const bounds = [...new Set(String(row?.["cuts"]).match(/-?\d+/g) ?? [])];
    const from = (at: number) => (at === 0 ? "true" : `"${time}" >= make_timestamp(${bounds[at - 1]})`);
    const to = (at: number) => (at === bounds.length ? "true" : `"${time}" < make_timestamp(${bounds[at]})`);
    return Array.from({ length: bounds.length + 1 }, (_, at) => `${from(at)} and ${to(at)}`);
  }
}

interface Slices {
  readonly drafts: readonly string[];
  readonly select: string;
}

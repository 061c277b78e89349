import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { Condition } from "../../core/condition.ts";
import { type Claim, claimFolder } from "../../core/data-folder.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { RecordKind } from "../../core/records/codec.ts";
import { Catalog } from "./catalog.ts";
import { Database } from "./database.ts";
import { Dictionaries } from "./dictionaries.ts";
import { type Disk, realDisk } from "./disk.ts";
import { fileRelation } from "./file-relation.ts";
import { Generation } from "./generation.ts";
import { archiveFolder, l0Name, type Span, spanOf } from "./layout.ts";
import { draftPrefix, Publisher } from "./publish.ts";
import { runOfRow, runsSql } from "./runs.ts";
import { SeenIds } from "./seen-ids.ts";
import { kinds, type RecordOf, tables } from "./tables.ts";
import { type Sealed, Upkeep } from "./upkeep.ts";

export interface ArchiveOptions {
  /** The data folder. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long rows wait for a file; others see them then. */
  readonly flushMs: number;
  /** For flushes, merges and what is asked through `database`. */
  readonly memoryMb: number;
  /** So many files of a size are merged into one. */
  readonly fanIn?: number;
  /** Rows of a segment that are sorted together. */
  readonly sliceRows?: number;
  /** Called once for each segment, before what it replaces is removed. */
  readonly sealed?: (sealed: Sealed) => void | Promise<void>;
  /** Called when the rows of a kind that waited are in files: how many, and what it took. */
  readonly onFlush?: (flush: { readonly kind: RecordKind; readonly rows: number; readonly ms: number }) => void;
  readonly disk?: Disk;
}

/** A flush of so many rows does not wait for its time. */
const flushRows = 100_000;
/** More than so many rows in memory are refused: the disk does not take them. */
const greatestRows = 500_000;
/** At the end nothing is gathered, but many small writes still share a file. */
const hurriedFlushMs = 50;
const upkeepMs = 60_000;
/** With a flush each 5 s, an hour then never holds more than about 70 files. */
const defaultFanIn = 12;
/** Memory holds them several times over; larger slices compress better and prune worse. */
const defaultSliceRows = 131_072;
/** Late records of an hour come within that time, mostly; an hour is sealed after it. */
const settleMs = 120_000;
/** How often an hour that was sealed gets another segment for records that came still later. */
const sealMs = 600_000;
/** Of the last file before a crash: records delivered again after it are not older. */
const rememberMs = 7_200_000;

/**
 * Where records are kept. `write` of a sink resolves once its rows are in a file that survives power loss; batches of many writes share
 * a file. A record is stored once however often it is written. One process writes to a folder at a time; any number read.
 */
export class Archive {
  readonly database: Database;
  readonly catalog: Catalog;
  readonly #options: ArchiveOptions;
  readonly #disk: Disk;
  readonly #publisher: Publisher;
  readonly #upkeep: Upkeep;
  readonly #dictionaries: Dictionaries;
  /** Tells this writer's flushes from those of another time. Sorts by time. */
  readonly #run: string;
  readonly #stop = new AbortController();
  readonly #hurry = new Condition();
  readonly #seen = new SeenIds();
  /** Every hour that may hold l0 files, by kind. */
  readonly #unsealed = new Map<RecordKind, Set<number>>(kinds.map((kind) => [kind, new Set()]));
  /** Generations whose rows are not all in files, oldest first; the last one takes rows. */
  #unstored: Generation[] = [];
  /** How many readers use the rows of a generation. */
  readonly #readers = new Map<Generation, number>();
  #hurried = false;
  #lastSeal = Number.NEGATIVE_INFINITY;
  #claim: Claim | undefined;
  #work: Promise<unknown> | undefined;
  #flushed: Promise<void> = Promise.resolve();
  #maintained: Promise<void> = Promise.resolve();

  constructor(options: ArchiveOptions) {
    const {
      folder,
      memoryMb,
      disk = realDisk,
      fanIn = defaultFanIn,
      sliceRows = defaultSliceRows,
      sealed = () => {},
    } = options;
    this.#options = options;
    this.#disk = disk;
    this.#run = options.clock.now().toString(36).padStart(9, "0") + randomBytes(4).toString("hex");
    // One thread a statement: where several share the work of a flush, their waiting for each other costs as much again.
    this.database = new Database({ memoryMb, spill: `${folder}/archive-spill`, threads: 1 });
    this.#dictionaries = new Dictionaries(this.database);
    this.catalog = new Catalog(folder, disk, this.database);
    this.#publisher = new Publisher(disk, this.database);
    this.#upkeep = new Upkeep({
      catalog: this.catalog,
      database: this.database,
      disk,
      publisher: this.#publisher,
      fanIn,
      sliceRows,
      sealed,
    });
  }

  /** Throws DATA_IN_USE, DATA_VERSION or STORE_FAILED. */
  async open(): Promise<void> {
    const { folder } = this.#options;
    this.#claim = await claimFolder(folder);
    try {
      await this.#disk.makeFolder(archiveFolder(folder));
      await this.#recall();
    } catch (thrown) {
      await this.#claim.release();
      throw storeFailed(thrown);
    }
    this.#unstored = [this.#generation(1)];
    this.#work = Promise.all([this.#flushing(), this.#keeping()]);
  }

  /** Stores what waits, and gives the folder up. Throws STORE_FAILED if it cannot be stored. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#hurry.changed();
    await this.#work;
    await this.#maintained.catch(() => {}); // said where it was begun
    try {
      await this.#flush();
    } finally {
      for (const generation of this.#unstored) await generation.close();
      await this.database.close();
      await this.#claim?.release();
    }
  }

  sink<K extends RecordKind>(kind: K): Sink<RecordOf[K]> {
    return { name: `archive ${kind}`, write: (batch, signal) => this.#write(kind, batch, signal) };
  }

  /** Stores what waits now. Throws STORE_FAILED. */
  async flush(): Promise<void> {
    await this.#flush();
  }

  /** The end is near: from now on what is written is stored soon. */
  hurry(): void {
    this.#hurried = true;
    this.#hurry.changed();
  }

  /** Merges and seals what is due; `open` has this done each minute. */
  maintain(): Promise<void> {
    const next = this.#maintained.catch(() => {}).then(() => this.#maintain());
    this.#maintained = next;
    return next;
  }

  async #maintain(): Promise<void> {
    const now = this.#options.clock.now();
    const sealing = now - this.#lastSeal >= sealMs;
    for (const kind of kinds)
      for (const hour of [...(this.#unsealed.get(kind) ?? [])].sort((a, b) => a - b)) {
        const over = (hour + 1) * 3_600_000 + settleMs <= now;
        if (!over) await this.#upkeep.merge(kind, hour, this.#isFree);
        else if (sealing && (await this.#upkeep.seal(kind, hour, this.#isFree)) && !this.#expects(kind, hour))
          this.#unsealed.get(kind)?.delete(hour);
      }
    if (sealing) this.#lastSeal = now;
  }

  /**
   * Rows that are in no file yet, with those columns, for a reader in this process. Until `release`, the reader passes over files of which `covers` says
   * that they hold the same rows.
   */
  async openRows(kind: RecordKind, columns: readonly string[]): Promise<OpenRows> {
    const generations = this.#unstored.filter(({ parts }) => parts.some((part) => part.kind === kind));
    for (const generation of generations) this.#readers.set(generation, (this.#readers.get(generation) ?? 0) + 1);
    const numbers = new Set(generations.map(({ number }) => number));
    const release = async () => {
      for (const generation of generations) {
        this.#readers.set(generation, (this.#readers.get(generation) ?? 1) - 1);
        await this.#retire(generation);
      }
    };
    try {
      const relations = await Promise.all(generations.map((generation) => generation.relation(kind, columns)));
      return {
        relations: relations.filter((relation) => relation !== undefined),
        covers: (name) => {
          const span = spanOf(name);
          return span !== undefined && span.run === this.#run && span.first === span.last && numbers.has(span.first);
        },
        release,
      };
    } catch (thrown) {
      await release();
      throw storeFailed(thrown);
    }
  }

  async #write<K extends RecordKind>(kind: K, batch: readonly RecordOf[K][], signal: AbortSignal): Promise<void> {
    const generation = this.#unstored.at(-1);
    if (generation === undefined || this.#stop.signal.aborted) throw refused("the archive is not open");
    const waiting = this.#unstored.reduce((sum, { rows }) => sum + rows, 0);
    if (waiting > greatestRows) throw refused(`${waiting} rows wait for the disk`);
    generation.add(
      kind,
      batch.filter((record) => this.#isNew(record)),
    );
    // A record that was seen before may still be on its way to the disk, so all that is has to get there.
    const stored = this.#unstored.filter(({ rows }) => rows > 0).map((each) => each.stored);
    if (generation.rows >= flushRows || signal.aborted) this.#hurry.changed();
    const hurry = () => this.#hurry.changed();
    signal.addEventListener("abort", hurry, { once: true });
    try {
      await generation.drain(kind);
      await Promise.all(stored);
    } catch (thrown) {
      const message = `archive: ${messageOf(thrown)}`;
      throw new SluiceError("SINK_FAILED", message, { cause: thrown, retriable: true });
    } finally {
      signal.removeEventListener("abort", hurry);
    }
  }

  #isNew(record: RecordOf[RecordKind]): boolean {
    return "seq" in record ? this.#seen.add(record.node, record.epoch, record.seq) : true;
  }

  async #flushing(): Promise<void> {
    const { clock, flushMs, log } = this.#options;
    while (!this.#stop.signal.aborted) {
      const over = new AbortController();
      const hurried = this.#hurry.wait(over.signal).then(() => over.abort());
      await clock.sleep(this.#hurried ? hurriedFlushMs : flushMs, over.signal);
      over.abort();
      await hurried;
      await this.#flush().catch((thrown: unknown) =>
        log.error({ error: messageOf(thrown) }, "cannot store records; they wait"),
      );
    }
  }

  async #keeping(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(upkeepMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      await this.maintain().catch((thrown: unknown) =>
        log.error({ error: messageOf(thrown) }, "cannot merge or seal archive files"),
      );
    }
  }

  /** One at a time. */
  #flush(): Promise<void> {
    const next = this.#flushed.catch(() => {}).then(() => this.#storeAll());
    this.#flushed = next;
    return next;
  }

  async #storeAll(): Promise<void> {
    const last = this.#unstored.at(-1);
    if (last === undefined) return;
    if (last.rows > 0) this.#unstored = [...this.#unstored, this.#generation(last.number + 1)];
    for (const generation of this.#unstored
      .filter(({ rows }) => rows > 0)
      .filter((each) => each.number <= last.number)) {
      try {
        await this.#store(generation);
      } catch (thrown) {
        const failure = storeFailed(thrown);
        for (const each of this.#unstored) each.fail(failure);
        throw failure;
      }
      this.#unstored = this.#unstored.filter((each) => each !== generation);
      generation.succeed();
      await this.#retire(generation);
    }
  }

  /** Takes up where a failed attempt ended. A file that was published but not known to be durable is written anew. */
  async #store(generation: Generation): Promise<void> {
    const span: Span = { run: this.#run, first: generation.number, last: generation.number };
    const { clock, onFlush } = this.#options;
    for (const { kind, hours, rows } of generation.parts) {
      const begun = clock.monotonic();
      for (const hour of hours) {
        const select = await generation.file(kind, hour);
        if (select === undefined) continue;
        this.#unsealed.get(kind)?.add(hour);
        const folder = this.catalog.folderOf(kind, hour);
        await this.#publisher.publish({ folder, select, compression: "snappy" }, () => l0Name(span));
        generation.written(kind, hour);
      }
      if (hours.length > 0) onFlush?.({ kind, rows, ms: clock.monotonic() - begun });
    }
  }

  /** Forgets a stored generation's rows once nobody reads them. */
  async #retire(generation: Generation): Promise<void> {
    if (this.#unstored.includes(generation) || (this.#readers.get(generation) ?? 0) > 0) return;
    this.#readers.delete(generation);
    await generation.close();
  }

  /** Files of rows that a reader may have from memory stay: it passes over them by name. */
  readonly #isFree = (span: Span): boolean => {
    const held = [...this.#unstored, ...this.#readers.keys()].map(({ number }) => number);
    return span.run !== this.#run || held.every((number) => span.last < number);
  };

  #expects(kind: RecordKind, hour: number): boolean {
    return this.#unstored.some(({ parts }) => parts.some((part) => part.kind === kind && part.hours.includes(hour)));
  }

  #generation(number: number): Generation {
    return new Generation(number, this.#run, this.database, this.#dictionaries);
  }

  /** Removes drafts of runs before, and finds out which records they stored last: those may be delivered again. */
  async #recall(): Promise<void> {
    const changed: { readonly at: number; readonly kind: RecordKind; readonly hour: number }[] = [];
    for (const kind of kinds)
      for (const hour of await this.catalog.hours(kind)) {
        const folder = this.catalog.folderOf(kind, hour);
        const names = await this.#disk.list(folder);
        for (const name of names) if (name.startsWith(draftPrefix)) await this.#disk.remove(`${folder}/${name}`);
        if (names.some((name) => spanOf(name) !== undefined)) this.#unsealed.get(kind)?.add(hour);
        changed.push({ at: await this.#disk.changed(folder), kind, hour });
      }
    const newest = Math.max(...changed.map(({ at }) => at));
    for (const { at, kind, hour } of changed)
      if (at >= newest - rememberMs || this.#unsealed.get(kind)?.has(hour)) await this.#recallHour(kind, hour);
  }

  async #recallHour(kind: RecordKind, hour: number): Promise<void> {
    if (!tables[kind].id.includes("seq")) return;
    const folder = this.catalog.folderOf(kind, hour);
    const files = (await this.catalog.names(kind, hour)).counting.map((name) => `${folder}/${name}`);
    if (files.length === 0) return;
    const relation = fileRelation(tables[kind], files, ["node", "epoch", "seq"]);
    for (const row of await this.database.rows(runsSql(relation))) {
      const { node, epoch, first, last } = runOfRow(row);
      this.#seen.addSpan(node, epoch, first, last);
    }
  }
}

export interface OpenRows {
  readonly relations: readonly string[];
  /** True of an l0 file by that name if the relations hold its rows. */
  covers(name: string): boolean;
  release(): Promise<void>;
}

function refused(why: string): SluiceError {
  return new SluiceError("SINK_FAILED", `archive: ${why}`, { retriable: true });
}

function storeFailed(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  return new SluiceError("STORE_FAILED", `archive: ${messageOf(thrown)}`, { cause: thrown, retriable: true });
}

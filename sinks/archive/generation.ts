import type { RecordKind } from "../../core/records/codec.ts";
import type { Database } from "./database.ts";
import type { Dictionaries } from "./dictionaries.ts";
import { Gather } from "./gather.ts";
import { hourOf } from "./layout.ts";
import { kinds, type RecordOf, tables } from "./tables.ts";

/** What one flush will write: rows of all kinds, and the promise of those who wait until they are stored. */
export class Generation {
  readonly number: number;
  readonly #database: Database;
  readonly #dictionaries: Dictionaries;
  readonly #run: string;
  readonly #parts = new Map<RecordKind, Part>();
  #attempt = attempt();

  constructor(number: number, run: string, database: Database, dictionaries: Dictionaries) {
    this.number = number;
    this.#run = run;
    this.#database = database;
    this.#dictionaries = dictionaries;
  }

  /** Resolves when all rows are durable, rejects when the attempt under way (or the next) fails. */
  get stored(): Promise<void> {
    return this.#attempt.promise;
  }

  get rows(): number {
    return [...this.#parts.values()].reduce((sum, { gather }) => sum + gather.rows, 0);
  }

  /** Kinds that have rows, with the hours that are not on disk yet. */
  get parts(): readonly { readonly kind: RecordKind; readonly hours: readonly number[]; readonly rows: number }[] {
    return kinds.flatMap((kind) => {
      const part = this.#parts.get(kind);
      if (part === undefined) return [];
      const hours = [...part.hours].filter((hour) => !part.written.has(hour));
      return [{ kind, hours, rows: part.gather.rows }];
    });
  }

  add<K extends RecordKind>(kind: K, records: readonly RecordOf[K][]): void {
    if (records.length === 0) return;
    const part = this.#parts.get(kind) ?? this.#newPart(kind);
    (part.gather as unknown as Gather<RecordOf[K]>).add(records);
    for (const record of records) part.hours.add(hourOf(tables[kind].timeOf(record)));
  }

  async drain(kind: RecordKind): Promise<void> {
    await this.#parts.get(kind)?.gather.drain();
  }

  /** The rows of a kind as SQL, with those columns; undefined if there are none. */
  async relation(kind: RecordKind, columns: readonly string[]): Promise<string | undefined> {
    return this.#parts.get(kind)?.gather.relation(columns);
  }

  /** SELECT of the l0 file of an hour; undefined if there are no rows of the kind. */
  async file(kind: RecordKind, hour: number): Promise<string | undefined> {
    return this.#parts.get(kind)?.gather.file(hour * 3_600_000_000, (hour + 1) * 3_600_000_000);
  }

  written(kind: RecordKind, hour: number): void {
    this.#parts.get(kind)?.written.add(hour);
  }

  succeed(): void {
    this.#attempt.resolve();
  }

  /** Rows stay; whoever waits learns of it, and whoever asks from now on waits for the next attempt. */
  fail(cause: unknown): void {
    this.#attempt.reject(cause);
    this.#attempt = attempt();
  }

  async close(): Promise<void> {
    for (const { gather } of this.#parts.values()) await gather.close();
  }

  #newPart<K extends RecordKind>(kind: K): Part {
    const name = `open_${this.#run}_${this.number}_${kind}`;
    const gather = new Gather<RecordOf[K]>(this.#database, name, tables[kind], this.#dictionaries.of(kind));
    const part = { gather: gather as unknown as Gather<never>, hours: new Set<number>(), written: new Set<number>() };
    this.#parts.set(kind, part);
    return part;
  }
}

interface Part {
  readonly gather: Gather<never>;
  readonly hours: Set<number>;
  readonly written: Set<number>;
}

function attempt(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>();
  made.promise.catch(() => {}); // there may be nobody who waits
  return made;
}

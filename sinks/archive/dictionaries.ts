import type { RecordKind } from "../../core/records/codec.ts";
import type { Database } from "./database.ts";
import { Dictionary } from "./dictionary.ts";
import { type RecordOf, tables } from "./tables.ts";

/** The dictionary of each kind that new rows use. */
export class Dictionaries {
  readonly #database: Database;
  readonly #current = new Map<RecordKind, Dictionary<never>>();
  #made = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The caller releases it. */
  of<K extends RecordKind>(kind: K): Dictionary<RecordOf[K]> {
    const known = this.#current.get(kind);
    if (known !== undefined && !known.isFull) return known.retain() as unknown as Dictionary<RecordOf[K]>;
    const made = new Dictionary<RecordOf[K]>(this.#database, `groups_${kind}_${this.#made++}`, tables[kind]);
    this.#current.set(kind, made.retain() as unknown as Dictionary<never>);
    void known?.release(); // rows of before hold it as long as they need it
    return made.retain();
  }
}

import type { Entry } from "../core/conntrack/entry.ts";
import { sameTuple } from "../core/conntrack/tuple.ts";
import type { Connection } from "./connection.ts";

/**
 * Connections by id, tuple and zone. An id alone does not do: two live connections share one now and then. Nor do all
 * three: the kernel makes ids of a tuple and the memory that the entry is in, and a tuple used again often gets the same.
 */
export class ConnectionTable {
  readonly #byId = new Map<number, Connection>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  hasId(id: number): boolean {
    return this.#byId.has(id);
  }

  /** The connection that the entry is of: of those with its id, tuple and zone the one whose time it misses least. */
  find(entry: Entry): Connection | undefined {
    let found: Connection | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let at = this.#byId.get(entry.id); at !== undefined; at = at.twin) {
      const missed = isAlike(at, entry) ? at.missedBy(entry) : null;
      if (missed === null || missed >= least) continue;
      found = at;
      least = missed;
    }
    return found;
  }

  /** All with the entry's id, tuple and zone: of one tuple used again, lives whose end was not heard of yet. */
  alike(entry: Entry): readonly Connection[] {
    const found: Connection[] = [];
    for (let at = this.#byId.get(entry.id); at !== undefined; at = at.twin) if (isAlike(at, entry)) found.push(at);
    return found;
  }

  add(connection: Connection): void {
    connection.twin = this.#byId.get(connection.id);
    this.#byId.set(connection.id, connection);
    this.#size++;
  }

  delete(connection: Connection): void {
    const first = this.#byId.get(connection.id);
    if (first === connection) this.#replaceFirst(connection);
    else for (let at = first; at !== undefined; at = at.twin) if (at.twin === connection) at.twin = connection.twin;
    this.#size--;
  }

  *[Symbol.iterator](): Generator<Connection> {
    for (const first of this.#byId.values())
      for (let at: Connection | undefined = first, next: Connection | undefined; at !== undefined; at = next) {
        next = at.twin;
        yield at;
      }
  }

  #replaceFirst(connection: Connection): void {
    if (connection.twin === undefined) this.#byId.delete(connection.id);
    else this.#byId.set(connection.id, connection.twin);
  }
}

function isAlike(connection: Connection, entry: Entry): boolean {
  return connection.zone === entry.zone && sameTuple(connection.original, entry.original);
}

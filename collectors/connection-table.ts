import type { Connection } from "./connection.ts";
import type { Entry } from "./conntrack/entry.ts";
import { sameTuple } from "./conntrack/tuple.ts";

/** Connections by id, tuple and zone. An id alone does not do: two live connections share one now and then. */
export class ConnectionTable {
  readonly #byId = new Map<number, Connection>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(entry: Entry): Connection | undefined {
    let found = this.#byId.get(entry.id);
    while (found !== undefined && !(found.zone === entry.zone && sameTuple(found.original, entry.original)))
      found = found.twin;
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

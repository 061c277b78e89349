import type { Entry } from "../core/conntrack/entry.ts";
import type { EndReason, RawFlow } from "../core/records/flow.ts";
import { Connection } from "./connection.ts";
import { ConnectionTable } from "./connection-table.ts";
import type { History } from "./conntrack/history.ts";
import { endReasonOf } from "./end-reason.ts";

// A DESTROY that was lost in an overrun is noticed by absence: the connection is given up when two dumps in a row lack it
// (one is not enough, its DESTROY may still be on the way), and forgotten long after that, so that a straggler is known: the
// kernel may tell again of an end that was not heard for as long as its events find no room.
const dumpsUntilGivenUp = 2;
const dumpsUntilForgotten = 16;

/**
 * Joins what the kernel says of connections: NEW opens and carries the label, dumps bring counters, DESTROY the final
 * ones. Any of them may be missing, come twice, or come in another order than things happened. Pure; times are microseconds.
 */
export class Correlator {
  #epoch: number;
  readonly #table = new ConnectionTable();
  #changed: Connection[] = [];
  #closed: Connection[] = [];
  #dump = 0;
  #resets = 0;

  /** `epoch`: when this collector began to count. */
  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /** How many connections are known. */
  get size(): number {
    return this.#table.size;
  }

  observe(entry: Entry, now: number): void {
    const connection = this.#connectionOf(entry, now);
    const before = connection.changed;
    const givenUp = connection.closedAt !== null;
    connection.closedAt = null;
    connection.endReason = null;
    connection.seenInDump = this.#dump;
    if (connection.learn(entry, this.#epoch)) this.#resets++;
    if (connection.changed && !before) this.#changed.push(connection);
    if (entry.kind !== "destroy") return;
    connection.endReason = endReasonOf(entry, connection.replied);
    // Its end was told already; a straggler is worth a record only if it brings something new.
    if (givenUp && !connection.changed) this.#forget(connection, entry.stoppedAt ?? now);
    else this.#destroy(connection, entry.stoppedAt ?? entry.happenedAt ?? now);
  }

  /** Takes in what an earlier run told of a connection. */
  restore(record: RawFlow): void {
    this.#table.add(Connection.restored(record, this.#dump));
  }

  /** Whether a connection has this id. */
  knows(id: number): boolean {
    return this.#table.hasId(id);
  }

  /** Takes in a connection whose id it does not know, with what was heard of it. */
  adopt({ first, heardAt, seenInDump, told, latest, domain }: History): void {
    const connection = new Connection(first, heardAt, seenInDump);
    connection.domain = domain;
    connection.learn(first, this.#epoch);
    if (told?.by !== undefined) connection.learn(told.by, this.#epoch);
    if (told !== undefined) connection.settle(told.end);
    if (latest !== undefined) connection.learn(latest, this.#epoch);
    this.#table.add(connection);
    if (connection.changed) this.#changed.push(connection);
  }

  /** Connections that have not ended. */
  *open(): Generator<Connection> {
    for (const connection of this.#table) if (connection.closedAt === null) yield connection;
  }

  /** Before the entries of a dump. */
  beginDump(): void {
    this.#dump++;
  }

  /** After them, if it was complete. */
  endDump(now: number): void {
    for (const connection of this.#table) {
      const absent = this.#dump - connection.seenInDump;
      if (absent >= dumpsUntilForgotten) this.#table.delete(connection);
      else if (absent >= dumpsUntilGivenUp && connection.closedAt === null) this.#close(connection, now, "unseen");
    }
  }

  /** The wall clock says less than before: what begins from now on began while this collector counts, whatever its stamp. */
  setBack(now: number): void {
    this.#epoch = Math.min(this.#epoch, now);
  }

  /** How many connections somebody set the counters of to zero since the last call. */
  takeResets(): number {
    const resets = this.#resets;
    this.#resets = 0;
    return resets;
  }

  /** Connections that ended since the last call. */
  takeClosed(): readonly Connection[] {
    const closed = new Set(this.#closed);
    this.#closed = [];
    return [...closed];
  }

  /** Open connections of which there is something to tell since the last call. */
  takeChanged(): readonly Connection[] {
    const changed = this.#changed;
    this.#changed = [];
    return changed.filter(({ closedAt, changed }) => closedAt === null && changed);
  }

  #connectionOf(entry: Entry, now: number): Connection {
    const known = this.#table.find(entry);
    if (known !== undefined) return known;
    for (const other of this.#table.alike(entry)) other.notOurs(entry);
    if (entry.kind === "new") this.#supersede(entry, entry.happenedAt ?? now);
    const connection = new Connection(entry, now, this.#dump);
    this.#table.add(connection);
    this.#changed.push(connection);
    return connection;
  }

  /**
   * A tuple begins another life: the earlier one is over, and its DESTROY, which events in order would have told before, is
   * lost. (A dump runs ahead of the events. What it says of a tuple's next life says nothing of the one before.)
   */
  #supersede(entry: Entry, at: number): void {
    for (const earlier of this.#table.alike(entry))
      if (earlier.closedAt === null && earlier.startedAt <= at) this.#close(earlier, at, "unseen");
  }

  #forget(connection: Connection, at: number): void {
    this.#table.delete(connection);
    connection.closedAt = Math.max(at, connection.startedAt);
  }

  #destroy(connection: Connection, at: number): void {
    this.#table.delete(connection);
    this.#close(connection, at, connection.endReason);
  }

  #close(connection: Connection, at: number, reason: EndReason | null): void {
    connection.endReason = reason;
    connection.closedAt = Math.max(at, connection.startedAt);
    this.#closed.push(connection);
  }
}

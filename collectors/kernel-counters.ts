import { countedBetween, readStatistics, type TableStatistics } from "../core/conntrack/statistics.ts";
import type { NetlinkSocket } from "../core/netlink/socket.ts";

const wrap = 0x1_0000_0000;

type Source = "conntrack" | "nflog";

/** What the kernel counted since collecting began. */
export interface KernelCounts {
  /** Datagrams that found a socket's buffer full. One of conntrack's is an event; of an end that is told again, each try counts. */
  readonly eventDrops: number;
  readonly logDrops: number;
  /** Packets dropped since the connection table was full, or one of its chains. */
  readonly tableDrops: number;
  /** Connections thrown out of a full table for others. */
  readonly earlyDrops: number;
  readonly insertFailures: number;
  readonly searchRestarts: number;
  readonly clashes: number;
}

export const nothingCounted: KernelCounts = {
  eventDrops: 0,
  logDrops: 0,
  tableDrops: 0,
  earlyDrops: 0,
  insertFailures: 0,
  searchRestarts: 0,
  clashes: 0,
};

/** The kernel's own counters of what it did not tell, or not do, in the sockets' network namespace. */
export class KernelCounters {
  readonly #questions: NetlinkSocket;
  readonly #sockets: Readonly<Record<Source, NetlinkSocket>>;
  readonly #seen: Record<Source, number> = { conntrack: 0, nflog: 0 };
  readonly #drops: Record<Source, number> = { conntrack: 0, nflog: 0 };
  #first: TableStatistics | undefined;
  #dropped = 0;

  constructor(questions: NetlinkSocket, sockets: Readonly<Record<Source, NetlinkSocket>>) {
    this.#questions = questions;
    this.#sockets = sockets;
  }

  /** How many datagrams of a source found no room since the last call. */
  undelivered(source: Source): number {
    const now = this.#sockets[source].drops();
    const count = (now - this.#seen[source] + wrap) % wrap;
    this.#seen[source] = now;
    this.#drops[source] += count;
    return count;
  }

  /** All counts, and how many packets the table dropped since the last call. */
  read(): { readonly counts: KernelCounts; readonly dropped: number } {
    const now = readStatistics(this.#questions);
    this.#first ??= now;
    const table = countedBetween(this.#first, now);
    const tableDrops = table.drop + table.chainTooLong;
    const dropped = tableDrops - this.#dropped;
    this.#dropped = tableDrops;
    const counts = {
      eventDrops: this.#drops.conntrack,
      logDrops: this.#drops.nflog,
      tableDrops,
      earlyDrops: table.earlyDrop,
      insertFailures: table.insertFailed,
      searchRestarts: table.searchRestart,
      clashes: table.clashResolve,
    };
    return { counts, dropped };
  }
}

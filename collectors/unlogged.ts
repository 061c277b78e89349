import { dumpCounters, readCounter } from "../core/netlink/nft-counters.ts";
import type { NetlinkSocket } from "../core/netlink/socket.ts";

// Of packets that a rule would log and its limit left out (enforcer/log-limit.ts) the kernel counts all together in one counter, and
// those of each rule, or of a reason in a direction, in one whose name begins so.
const total = "unlogged";
const prefix = "u_";

/** Counts what the log's limit left out. A table that is made anew counts from nothing. */
export class Unlogged {
  readonly #socket: NetlinkSocket;
  #total: number;
  #known: ReadonlyMap<string, number>;

  /** From now on, in the network namespace of the socket (netlink protocol netfilter). */
  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
    this.#total = this.#readTotal();
    this.#known = this.#readAll();
  }

  /** How many packets since the last time, by what the log would have said: a rule's id, or `egress spoofed`. */
  take(): ReadonlyMap<string, number> {
    const now = this.#readTotal();
    // There may be 10,000 others.
    if (now === this.#total) return new Map();
    const all = this.#readAll();
    const fresh = new Map<string, number>();
    for (const [name, packets] of all) {
      const before = this.#known.get(name) ?? 0;
      const count = packets >= before ? packets - before : packets;
      if (count > 0) fresh.set(name.slice(prefix.length).replaceAll("_", " "), count);
    }
    [this.#total, this.#known] = [now, all];
    return fresh;
  }

  #readTotal(): number {
    return readCounter(this.#socket, total)?.packets ?? 0;
  }

  #readAll(): ReadonlyMap<string, number> {
    const all = [...dumpCounters(this.#socket)].filter(([name]) => name.startsWith(prefix));
    return new Map(all.map(([name, { packets }]) => [name, packets]));
  }
}

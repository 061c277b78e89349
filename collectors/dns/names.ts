import type { Address } from "../../core/address.ts";

/** What an answer told a client. Times in microseconds. */
export interface Told {
  readonly client: Address;
  readonly address: Address;
  readonly name: string;
  readonly at: number;
  /** Seconds. */
  readonly ttl: number;
}

export interface NamesOptions {
  /** Addresses that are remembered in all, and of one client: one that asks for everything must not make others forgotten. */
  readonly limit: number;
  readonly limitPerClient: number;
  /** How long beyond its TTL a name is used: programs keep addresses for longer than they should. */
  readonly extraUs: number;
}

interface Named {
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

// Behind one address of a large provider stand many names; the last few that a client asked for are told apart by time.
const namesPerAddress = 4;
// A longer one is an error or a trick; resolvers bound it too (RFC 8767, 4).
const mostTtlUs = 7 * 86_400_000_000;
// Conntrack's stamp of a connection and nflog's of the answer before it are not taken by the same clock read.
const slackUs = 1_000;

/** For which name a client has an address: what it asked for, not what else the address is called. */
export class Names {
  readonly #options: NamesOptions;
  /** By client, and by address with the one told last at the end. */
  readonly #clients = new Map<Address, Map<Address, readonly Named[]>>();
  #size = 0;
  #forgotten = 0;

  constructor(options: NamesOptions) {
    this.#options = options;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#size;
  }

  learn({ client, address, name, at, ttl }: Told): void {
    const of = this.#clientOf(client);
    const until = at + Math.min(ttl * 1_000_000, mostTtlUs) + this.#options.extraUs;
    const known = of.get(address) ?? [];
    if (of.delete(address)) this.#size--;
    const newest = { name, from: this.#sinceOf(known[0], name, at), until };
    of.set(address, [newest, ...known.filter((one) => one.name !== name && one.until > at)].slice(0, namesPerAddress));
    this.#size++;
    this.#bound(client, of, at);
  }

  /** The name that `client` had the address for at that time; null if it asked for none, or by another way. */
  nameOf(client: Address, address: Address, at: number): string | null {
    const known = this.#clients.get(client)?.get(address);
    return known?.find(({ from, until }) => from <= at + slackUs && at <= until)?.name ?? null;
  }

  /** Forgets what is of no use any more. Before `now` by as much as it takes until a connection is told of. */
  expire(now: number): void {
    for (const [client, of] of this.#clients) {
      for (const [address, known] of of)
        if (known.every(({ until }) => until < now)) {
          of.delete(address);
          this.#size--;
        }
      if (of.size === 0) this.#clients.delete(client);
    }
  }

  /** How many names were given up for want of room since the last call, while they were of use. */
  takeForgotten(): number {
    const forgotten = this.#forgotten;
    this.#forgotten = 0;
    return forgotten;
  }

  /** Told again in time, it has been known since the first. */
  #sinceOf(last: Named | undefined, name: string, at: number): number {
    return last?.name === name && last.until >= at ? last.from : at;
  }

  /** The client is then the one that was told last. */
  #clientOf(client: Address): Map<Address, readonly Named[]> {
    const of = this.#clients.get(client) ?? new Map<Address, readonly Named[]>();
    this.#clients.delete(client);
    this.#clients.set(client, of);
    return of;
  }

  #bound(client: Address, of: Map<Address, readonly Named[]>, now: number): void {
    if (of.size > this.#options.limitPerClient) this.#forgetOldest(client, of, now);
    while (this.#size > this.#options.limit) {
      const [first] = this.#clients;
      if (first === undefined) return;
      this.#forgetOldest(...first, now);
    }
  }

  #forgetOldest(client: Address, of: Map<Address, readonly Named[]>, now: number): void {
    const [oldest] = of;
    if (oldest === undefined) return;
    of.delete(oldest[0]);
    this.#size--;
    if (oldest[1].some(({ until }) => until > now)) this.#forgotten++;
    if (of.size === 0) this.#clients.delete(client);
  }
}

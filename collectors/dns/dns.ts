import type { Address } from "../../core/address.ts";
import type { LossDraft } from "../losses.ts";
import type { DnsDraft } from "./exchanges.ts";
import { type DnsCounters, DnsObserver } from "./observer.ts";
import { DnsSensor } from "./sensor.ts";

/** The settings of section `dns` that a collector needs. */
export interface DnsSettings {
  readonly nflogGroup: number;
  /** Packets that the kernel copies per second. */
  readonly maxPerSecond: number;
  /** Addresses whose names are remembered. */
  readonly maxNames: number;
  /** How long beyond its TTL a name is used. */
  readonly extraTtlMs: number;
}

/** DNS as one network namespace sees it pass. To be made in the thread that is in that namespace. */
export class Dns {
  readonly #observer: DnsObserver;
  readonly #sensor: DnsSensor;

  /** `now`: microseconds. */
  constructor(settings: DnsSettings, receiveBufferBytes: number, now: () => number) {
    this.#observer = new DnsObserver({ ...settings, now });
    this.#sensor = new DnsSensor({ ...settings, receiveBufferBytes }, this.#observer);
  }

  get counters(): DnsCounters {
    return this.#observer.counters;
  }

  /** From now on everything is seen. */
  begin(): void {
    this.#sensor.subscribe();
  }

  /** Reads what is there; whether there was anything. */
  poll(): boolean {
    const found = this.#sensor.poll();
    this.#observer.wasRead();
    return found;
  }

  nameOf(client: Address, address: Address, at: number): string | null {
    return this.#observer.nameOf(client, address, at);
  }

  /** The records since the last call. `isLast`: those that still wait for an answer too. */
  take(isLast: boolean): readonly DnsDraft[] {
    return this.#observer.take(isLast);
  }

  takeLosses(): readonly LossDraft[] {
    this.#observer.beyond(this.#sensor.takeBeyond());
    return this.#observer.takeLosses();
  }

  close(): void {
    this.#sensor.close();
  }
}

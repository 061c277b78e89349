import type { Address } from "../core/address.ts";

/** An address of a pod that the rules know from now on. */
export interface Arrival {
  readonly address: Address;
  /** Since its interface was there. */
  readonly waitedMs: number;
}

/**
 * How long pods wait until the rules know them: from when their interface is there, so that they may send, until both interface and
 * pod are in force. What was there at the beginning did not arrive.
 */
export class Arrivals {
  readonly #since = new Map<Address, number>();
  readonly #settled = new Set<Address>();
  #hasBegun = false;

  /** What is known now, before it is enforced. Times in milliseconds of one clock. */
  see(pods: ReadonlySet<Address>, behind: ReadonlySet<Address>, now: number): void {
    for (const address of [...this.#since.keys(), ...this.#settled])
      if (!pods.has(address) && !behind.has(address)) this.#forget(address);
    for (const address of behind)
      if (!this.#settled.has(address) && !this.#since.has(address)) this.#since.set(address, now);
  }

  /** It is in force. The addresses for which that is news, and how long each waited. */
  enforced(pods: ReadonlySet<Address>, behind: ReadonlySet<Address>, now: number): readonly Arrival[] {
    const whole = [...this.#since].filter(([address]) => pods.has(address) && behind.has(address));
    for (const [address] of whole) {
      this.#since.delete(address);
      this.#settled.add(address);
    }
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    return isFirst ? [] : whole.map(([address, since]) => ({ address, waitedMs: now - since }));
  }

  #forget(address: Address): void {
    this.#since.delete(address);
    this.#settled.delete(address);
  }
}

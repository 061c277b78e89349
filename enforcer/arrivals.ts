import type { Address } from "../core/address.ts";

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

  /** It is in force. How long each address waited for which that is news. */
  enforced(pods: ReadonlySet<Address>, behind: ReadonlySet<Address>, now: number): readonly number[] {
    const whole = [...this.#since].filter(([address]) => pods.has(address) && behind.has(address));
    for (const [address] of whole) {
      this.#since.delete(address);
      this.#settled.add(address);
    }
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    return isFirst ? [] : whole.map(([, since]) => now - since);
  }

  #forget(address: Address): void {
    this.#since.delete(address);
    this.#settled.delete(address);
  }
}

import type { Address } from "../core/address.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import { AddressTable } from "../policy/address-table.ts";

/** Addresses it knows at most; beyond, it starts afresh. */
const most = 262_144;

/**
 * Who has an address by himself, since when, described in one way only: so it is of nearly all that are asked about. Three places in
 * memory say it, in place of a dozen that lead from one to the next. It knows nothing that `Owners` does not.
 */
export class SoleOwners {
  #numbers = new AddressTable();
  /** By number, microseconds; there is no number 0. */
  #since: number[] = [Number.POSITIVE_INFINITY];
  #endpoints: (FlowEndpoint | undefined)[] = [undefined];

  at(address: Address, at: number): FlowEndpoint | undefined {
    const number = this.#numbers.get(address);
    return at >= (this.#since[number] as number) ? this.#endpoints[number] : undefined;
  }

  learn(address: Address, since: number, endpoint: FlowEndpoint): void {
    if (this.#endpoints.length > most) this.#forgetAll();
    const number = this.#numbers.get(address) || this.#endpoints.push(undefined) - 1;
    this.#numbers.set(address, number);
    this.#since[number] = since;
    this.#endpoints[number] = endpoint;
  }

  forget(address: Address): void {
    const number = this.#numbers.get(address);
    this.#since[number] = Number.POSITIVE_INFINITY;
    this.#endpoints[number] = undefined;
  }

  #forgetAll(): void {
    this.#numbers = new AddressTable();
    this.#since = [Number.POSITIVE_INFINITY];
    this.#endpoints = [undefined];
  }
}

import { type Address, fourValue } from "../core/address.ts";

/**
 * Small numbers, from 1 on, by address. Made for texts that are met for the first time and so have no hash yet: those of IPv4 are read
 * as a number, which is the key.
 */
export class AddressTable {
  /** Two for each place: address and number; a place with number 0 is free. At most half of them are taken. */
  #places = new Int32Array(2 << firstBits);
  #shift = 32 - firstBits;
  #taken = 0;
  readonly #six = new Map<Address, number>();

  /** 0 if there is none. */
  get(address: Address): number {
    const value = fourValue(address);
    if (value < 0) return this.#six.get(address) ?? 0;
    return this.#places[this.#placeOf(value | 0) + 1] as number;
  }

  set(address: Address, number: number): void {
    const value = fourValue(address);
    if (value < 0) this.#six.set(address, number);
    else this.#put(value | 0, number);
  }

  #put(value: number, number: number): void {
    const place = this.#placeOf(value);
    if (this.#places[place + 1] === 0) this.#taken += 1;
    this.#places[place] = value;
    this.#places[place + 1] = number;
    if (4 * this.#taken > this.#places.length) this.#grow();
  }

  #grow(): void {
    const before = this.#places;
    this.#places = new Int32Array(2 * before.length);
    this.#shift -= 1;
    this.#taken = 0;
    for (let at = 0; at < before.length; at += 2)
      if (before[at + 1] !== 0) this.#put(before[at] as number, before[at + 1] as number);
  }

  /** Where the address is, or the free place where it would be. */
  #placeOf(value: number): number {
    const places = this.#places;
    let at = 2 * (Math.imul(value, 0x9e3779b1) >>> this.#shift);
    while (places[at + 1] !== 0 && places[at] !== value) at = (at + 2) & (places.length - 1);
    return at;
  }
}

/** Places at first, as a power of 2. */
const firstBits = 6;

import { type Address, formatAddress } from "./address.ts";

// A node talks with far fewer addresses than it has connections; beyond this it starts afresh.
const most = 65_536;

/** Texts of IPv4 addresses already seen: equal addresses are then one string, made and compared once. */
export class AddressCache {
  readonly #texts = new Map<number, Address>();

  /** The address of 32 bits. */
  ipv4(value: number): Address {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    if (this.#texts.size >= most) this.#texts.clear();
    const text = formatAddress(4, BigInt(value));
    this.#texts.set(value, text);
    return text;
  }
}

import { type Address, addressToBytes, fourValue } from "../address.ts";
import type { RuleId } from "../rule-id.ts";

/** Texts up to this length are tried as ASCII, letter by letter: most of ours are, and a call of the encoder costs more. */
const shortText = 63;
/** IPv6 addresses known by their bytes; beyond it, it starts afresh. */
const mostAddresses = 65_536;

/** Writes the primitive values of Avro's binary encoding (specification 1.12) into a buffer that grows. */
export class AvroWriter {
  #bytes: Buffer;
  #at = 0;
  readonly #addresses = new Map<Address, Uint8Array>();
  readonly #shared = new WeakMap<object, Buffer>();

  constructor(bytes = 65_536) {
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  reset(): void {
    this.#at = 0;
  }

  /** A copy of what was written since the last `reset`. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  boolean(value: boolean): void {
    this.#room(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
  }

  /** int and long: zigzag, seven bits a byte, the lowest first. Any safe integer. */
  long(value: number): void {
    this.#room(10);
    if (value >= 0 && value < 64) {
      this.#bytes[this.#at++] = 2 * value;
      return;
    }
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    // The lowest 28 bits at once, so that what is left are whole numbers of 32 bits.
    if (rest >= 0x1000_0000) {
      const low = rest % 0x1000_0000;
      this.#bytes[this.#at++] = low | 128;
      this.#bytes[this.#at++] = (low >>> 7) | 128;
      this.#bytes[this.#at++] = (low >>> 14) | 128;
      this.#bytes[this.#at++] = (low >>> 21) | 128;
      rest = (rest - low) / 0x1000_0000;
    }
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  string(text: string): void {
    if (text.length <= shortText && this.#ascii(text)) return;
    const length = Buffer.byteLength(text);
    this.long(length);
    this.#room(length);
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** A fixed of 16 bytes. */
  address(address: Address): void {
    const four = fourValue(address);
    if (four < 0) this.#six(address);
    else this.#four(four);
  }

  /** IPv4-mapped. */
  #four(value: number): void {
    this.#room(16);
    const [bytes, at] = [this.#bytes, this.#at];
    for (let index = 0; index < 10; index++) bytes[at + index] = 0;
    bytes[at + 10] = 255;
    bytes[at + 11] = 255;
    bytes[at + 12] = value >>> 24;
    bytes[at + 13] = value >>> 16;
    bytes[at + 14] = value >>> 8;
    bytes[at + 15] = value;
    this.#at = at + 16;
  }

  #six(address: Address): void {
    let bytes = this.#addresses.get(address);
    if (bytes === undefined) {
      bytes = addressToBytes(address);
      if (this.#addresses.size >= mostAddresses) this.#addresses.clear();
      this.#addresses.set(address, bytes);
    }
    this.raw(bytes);
  }

  /** A fixed of 8 bytes. */
  ruleId(id: RuleId): void {
    this.#room(8);
    this.#at += this.#bytes.write(id, this.#at, "hex");
  }

  /** A value that comes again as the same object, and never changes: it is encoded once. */
  shared<T extends object>(value: T, write: (value: T) => void): void {
    const known = this.#shared.get(value);
    if (known !== undefined) {
      this.raw(known);
      return;
    }
    const start = this.#at;
    write(value);
    this.#shared.set(value, Buffer.from(this.#bytes.subarray(start, this.#at)));
  }

  /** False, and nothing written, if it is not ASCII. */
  #ascii(text: string): boolean {
    this.#room(text.length + 1);
    let at = this.#at;
    this.#bytes[at++] = 2 * text.length; // one byte: shortText is below 64
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      this.#bytes[at++] = code;
    }
    this.#at = at;
    return true;
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + more));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

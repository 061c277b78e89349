import { type Address, addressToBytes } from "../address.ts";
import type { RuleId } from "../rule-id.ts";

/** Texts up to this length are tried as ASCII, letter by letter: most of ours are, and a call of the encoder costs more. */
const shortText = 48;
/** Addresses known by their bytes; beyond it, it starts afresh. */
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
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    while (rest >= 0x1000_0000) {
      this.#bytes[this.#at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
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

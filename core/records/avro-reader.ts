import { type Address, addressFromBytes } from "../address.ts";
import { type RuleId, ruleIdFromBytes } from "../rule-id.ts";

/** Values known by their bytes, of each kind; beyond it, it starts afresh. */
const most = 65_536;
/** Bytes of an IPv4 address in 16, before its four: `::ffff:a.b.c.d`. */
const mapped = 0xffff;

/** As avsc has it. */
const mostExact = Number.MAX_SAFE_INTEGER - 1;

/** The text that a field had the last time: most records of a batch have the same there. */
export interface TextMemo {
  bytes: Uint8Array;
  text: string;
}

interface Known {
  readonly bytes: Buffer;
  readonly value: unknown;
}

/**
 * Reads the primitive values of Avro's binary encoding (specification 1.12). Throws an Error for bytes that end too soon or are none of it;
 * what it allocates is bounded by the bytes there are.
 */
export class AvroReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  readonly #addresses = new Map<number, Address>();
  readonly #rules = new Map<number, { readonly low: number; readonly id: RuleId }>();
  /** By hash. */
  readonly #shared = new Map<number, Known>();

  begin(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Error(`${this.#bytes.length - this.#at} bytes are left over`);
  }

  boolean(): boolean {
    return this.#bytes[this.#skip(1)] !== 0;
  }

  /** int and long: zigzag, seven bits a byte, the lowest first. */
  long(): number {
    let byte = this.#bytes[this.#skip(1)] as number;
    if (byte < 128) return zigzag(byte);
    let value = byte & 127;
    for (let shift = 7; byte > 127 && shift < 28; shift += 7) {
      byte = this.#bytes[this.#skip(1)] as number;
      value |= (byte & 127) << shift;
    }
    return byte < 128 ? zigzag(value) : this.#longRest(value);
  }

  /** With 28 bits read: what is left are no whole numbers of 32 bits any more. */
  #longRest(low: number): number {
    let value = low;
    let byte = 128;
    for (let scale = 2 ** 28; byte > 127; scale *= 128) {
      if (scale >= 2 ** 63) throw new Error("a number has too many bytes");
      byte = this.#bytes[this.#skip(1)] as number;
      value += (byte & 127) * scale;
    }
    const number = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    if (Math.abs(number) > mostExact) throw new Error("a number is too large to be exact");
    return number;
  }

  string(): string {
    const length = this.#length();
    const start = this.#skip(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  text(memo: TextMemo): string {
    const length = this.#length();
    const start = this.#skip(length);
    if (isSame(this.#bytes, start, length, memo.bytes)) return memo.text;
    memo.bytes = Uint8Array.prototype.slice.call(this.#bytes, start, start + length);
    memo.text = this.#bytes.toString("utf8", start, start + length);
    return memo.text;
  }

  /** Index of the branch of a union of null and another type. */
  isNull(): boolean {
    const byte = this.#bytes[this.#at];
    if (byte === 0 || byte === 2) {
      this.#at += 1;
      return byte === 0;
    }
    const branch = this.long();
    if (branch !== 0 && branch !== 1) throw new Error(`a union has no branch ${branch}`);
    return branch === 0;
  }

  symbol<T extends string>(symbols: readonly T[]): T {
    const index = this.long();
    const found = symbols[index];
    if (found === undefined) throw new Error(`an enum has no symbol ${index}`);
    return found;
  }

  /** Items of the next block of an array or map; 0 at the end. An item has at least a byte: no schema of ours has arrays of null. */
  count(): number {
    const count = this.long();
    if (count < 0) this.long(); // bytes of the block, for those who skip it
    if (Math.abs(count) > this.#bytes.length - this.#at) throw new Error("the bytes end before an array");
    return Math.abs(count);
  }

  fixed(size: number): Buffer {
    const start = this.#skip(size);
    return Buffer.from(this.#bytes.subarray(start, start + size));
  }

  address(): Address {
    const start = this.#skip(16);
    const bytes = this.#bytes;
    const isFour = bytes.readUInt32BE(start + 8) === mapped && bytes.readUInt32BE(start + 4) === 0;
    if (!isFour || bytes.readUInt32BE(start) !== 0) return addressFromBytes(bytes, start, 16);
    const four = bytes.readUInt32BE(start + 12);
    const known = this.#addresses.get(four);
    if (known !== undefined) return known;
    const address = addressFromBytes(bytes, start, 16);
    bounded(this.#addresses).set(four, address);
    return address;
  }

  ruleId(): RuleId {
    const start = this.#skip(8);
    const [high, low] = [this.#bytes.readUInt32BE(start), this.#bytes.readUInt32BE(start + 4)];
    const known = this.#rules.get(high);
    if (known?.low === low) return known.id;
    const id = ruleIdFromBytes(this.#bytes.subarray(start, start + 8));
    bounded(this.#rules).set(high, { low, id });
    return id;
  }

  /** A value of which many are alike: those of equal bytes are one object. `skip` goes to its end, `read` reads it. */
  shared<T>(skip: () => void, read: () => T): T {
    const start = this.#at;
    skip();
    const end = this.#at;
    const hash = hashOf(this.#bytes, start, end);
    const known = this.#shared.get(hash);
    if (known !== undefined && isSame(this.#bytes, start, end - start, known.bytes)) return known.value as T;
    this.#at = start;
    const value = read();
    bounded(this.#shared).set(hash, { bytes: Buffer.from(this.#bytes.subarray(start, end)), value });
    return value;
  }

  skipString(): void {
    this.#skip(this.#length());
  }

  skipFixed(size: number): void {
    this.#skip(size);
  }

  #length(): number {
    const length = this.long();
    if (length < 0) throw new Error("a text has less than no bytes");
    return length;
  }

  /** Where the next bytes stand. */
  #skip(length: number): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new Error("the bytes end too soon");
    return start;
  }
}

/** Of at most 28 bits. */
function zigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

function bounded<K, V>(map: Map<K, V>): Map<K, V> {
  if (map.size >= most) map.clear();
  return map;
}

function isSame(bytes: Uint8Array, start: number, length: number, others: Uint8Array): boolean {
  if (length !== others.length) return false;
  for (let index = 0; index < length; index++) if (bytes[start + index] !== others[index]) return false;
  return true;
}

/** FNV-1a over words of four bytes; whoever finds something by it compares. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start);
  let at = start;
  for (; at + 4 <= end; at += 4) hash = Math.imul(hash ^ bytes.readInt32LE(at), 0x01000193);
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash;
}

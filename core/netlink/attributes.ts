import { SluiceError } from "../errors.ts";
import { aligned } from "./message.ts";

// attributes => attribute*       include/uapi/linux/netlink.h, struct nlattr
// attribute  => length type value padding
//   length => u16, these four bytes included    type => u16, of which bit 15 says nested and bit 14 network byte order
//   padding => up to a multiple of 4

const attributeHeaderBytes = 4;
const typeMask = 0x3fff;

/**
 * Steps through attributes without allocating:
 *
 *     while (a.next())
 *       switch (a.type) { case CTA_ID: id = a.u32be(); break; }
 *     a.finish();
 *
 * The first fault (a length that does not fit, a value of another size than asked for) ends every loop, nested ones too,
 * and is remembered; values read after it are zero. So a decoder checks nothing per field: `finish` throws, once.
 * Unknown types are passed over: newer kernels add some.
 */
export class Attributes {
  /** Of the current attribute, flags removed. */
  type = 0;
  /** Where its value begins, and how long it is. */
  start = 0;
  length = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #subject: string;
  readonly #root: Attributes;
  #child: Attributes | undefined;
  #next = 0;
  #end = 0;
  #fault: string | undefined;

  /** `subject` begins the message of the error, e.g. `conntrack`. */
  constructor(subject: string, bytes: Uint8Array, start = 0, end = bytes.length, root?: Attributes) {
    this.#subject = subject;
    this.bytes = bytes;
    this.view = root?.view ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#root = root ?? this;
    this.#place(start, end);
  }

  /** Begins with other attributes in the same bytes, without a fault. */
  reset(start: number, end: number): this {
    this.#fault = undefined;
    this.#place(start, end);
    if (end > this.bytes.length || start > end) this.fail(`attributes from ${start} to ${end} are not there`);
    return this;
  }

  next(): boolean {
    const at = this.#next;
    const left = this.#end - at;
    if (left <= 0 || this.#root.#fault !== undefined) return false;
    const length = left < attributeHeaderBytes ? 0 : this.view.getUint16(at, true);
    if (length < attributeHeaderBytes || length > left)
      return this.fail(`an attribute of ${length} bytes where ${left} are left`);
    this.type = this.view.getUint16(at + 2, true) & typeMask;
    this.start = at + attributeHeaderBytes;
    this.length = length - attributeHeaderBytes;
    this.#next = at + aligned(length);
    return true;
  }

  /** The attributes within the current one. The cursor is used again for the next nested attribute of this level. */
  nested(): Attributes {
    this.#child ??= new Attributes(this.#subject, this.bytes, 0, 0, this.#root);
    this.#child.#place(this.start, this.start + this.length);
    return this.#child;
  }

  u8(): number {
    return this.has(1) ? this.view.getUint8(this.start) : 0;
  }

  u16be(): number {
    return this.has(2) ? this.view.getUint16(this.start) : 0;
  }

  u32be(): number {
    return this.has(4) ? this.view.getUint32(this.start) : 0;
  }

  /** In the machine's byte order, as rtnetlink writes. */
  u32(): number {
    return this.has(4) ? this.view.getUint32(this.start, true) : 0;
  }

  /** Counters above 2^53-1 read as 2^53-1: nine petabytes of one connection. */
  u64be(): number {
    if (!this.has(8)) return 0;
    const value = this.view.getUint32(this.start) * 0x1_0000_0000 + this.view.getUint32(this.start + 4);
    return Math.min(value, Number.MAX_SAFE_INTEGER);
  }

  /** Text up to the first NUL, which the kernel writes at the end of most strings. */
  text(): string {
    let end = this.start;
    while (end < this.start + this.length && this.bytes[end] !== 0) end++;
    const { buffer, byteOffset } = this.bytes;
    return Buffer.from(buffer, byteOffset + this.start, end - this.start).toString();
  }

  /** True if the value has this many bytes; else the fault is remembered. */
  has(length: number): boolean {
    return this.length === length || this.fail(`attribute ${this.type} has ${this.length} bytes, not ${length}`);
  }

  /** Remembers a fault, if it is the first. */
  fail(reason: string): false {
    this.#root.#fault ??= reason;
    return false;
  }

  /** Throws DECODE_FAILED with the first fault. */
  finish(): void {
    const fault = this.#root.#fault;
    if (fault !== undefined) throw new SluiceError("DECODE_FAILED", `${this.#subject}: ${fault}`);
  }

  #place(start: number, end: number): void {
    this.#next = start;
    this.#end = end;
  }
}

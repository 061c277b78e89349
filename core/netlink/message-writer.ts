import { aligned, headerBytes, messageFlag } from "./message.ts";

const nestedFlag = 0x8000;

/** Builds one message: a header, what its protocol puts first, then attributes. Every method but `finish` returns the writer. */
export class MessageWriter {
  readonly #type: number;
  #flags: number;
  #bytes = Buffer.alloc(256);
  #length = headerBytes;

  constructor(type: number, flags: number) {
    this.#type = type;
    this.#flags = flags;
  }

  get flags(): number {
    return this.#flags;
  }

  /** Bytes written so far, header included. */
  get length(): number {
    return this.#length;
  }

  askForAcknowledgement(): this {
    this.#flags |= messageFlag.ack;
    return this;
  }

  u8(type: number, value: number): this {
    const at = this.#attribute(type, 1);
    this.#bytes.writeUInt8(value, at);
    return this;
  }

  u16be(type: number, value: number): this {
    const at = this.#attribute(type, 2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  u32be(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  /** In the machine's byte order, as rtnetlink reads. */
  u32(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#bytes.writeUInt32LE(value, at);
    return this;
  }

  u64be(type: number, value: bigint): this {
    const at = this.#attribute(type, 8);
    this.#bytes.writeBigUInt64BE(value, at);
    return this;
  }

  value(type: number, value: Uint8Array): this {
    const at = this.#attribute(type, value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Text with the NUL that NLA_STRING policies of the kernel expect. */
  text(type: number, value: string): this {
    return this.value(type, Buffer.from(`${value}\0`));
  }

  nested(type: number, write: (inner: this) => void): this {
    const at = this.#attribute(type | nestedFlag, 0);
    write(this);
    this.#bytes.writeUInt16LE(this.#length - at + 4, at - 4);
    return this;
  }

  /** Bytes without an attribute's header, e.g. nfgenmsg or rtmsg, padded. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** The message; the caller's sequence number finds its answer. */
  finish(sequence: number): Uint8Array {
    this.#bytes.writeUInt32LE(this.#length, 0);
    this.#bytes.writeUInt16LE(this.#type, 4);
    this.#bytes.writeUInt16LE(this.#flags, 6);
    this.#bytes.writeUInt32LE(sequence, 8);
    return this.#bytes.subarray(0, this.#length);
  }

  #attribute(type: number, length: number): number {
    const at = this.#reserve(4 + length);
    this.#bytes.writeUInt16LE(4 + length, at);
    this.#bytes.writeUInt16LE(type, at + 2);
    return at + 4;
  }

  #reserve(length: number): number {
    const at = this.#length;
    this.#length += aligned(length);
    if (this.#length > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], Math.max(this.#length, 2 * this.#bytes.length));
    return at;
  }
}

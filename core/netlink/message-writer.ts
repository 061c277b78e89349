import { headerBytes, messageFlag } from "./message.ts";
import { MessageRoom } from "./message-room.ts";

const nestedFlag = 0x8000;

/**
 * Builds one message: a header, what its protocol puts first, then attributes. Every method but `finish` returns the writer. Of the
 * messages in one room the last one alone may be written to.
 */
export class MessageWriter {
  readonly #type: number;
  #flags: number;
  readonly #room: MessageRoom;
  readonly #start: number;

  constructor(type: number, flags: number, room = new MessageRoom()) {
    this.#type = type;
    this.#flags = flags;
    this.#room = room;
    this.#start = room.reserve(headerBytes);
  }

  get flags(): number {
    return this.#flags;
  }

  /** Bytes written so far, header included. */
  get length(): number {
    return this.#room.length - this.#start;
  }

  askForAcknowledgement(): this {
    this.#flags |= messageFlag.ack;
    return this;
  }

  u8(type: number, value: number): this {
    const at = this.#attribute(type, 1);
    this.#room.bytes[at] = value;
    return this;
  }

  u16be(type: number, value: number): this {
    const at = this.#attribute(type, 2);
    this.#room.bytes.writeUInt16BE(value, at);
    return this;
  }

  u32be(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#room.bytes.writeUInt32BE(value, at);
    return this;
  }

  /** In the machine's byte order, as rtnetlink reads. */
  u32(type: number, value: number): this {
    const at = this.#attribute(type, 4);
    this.#room.bytes.writeUInt32LE(value, at);
    return this;
  }

  u64be(type: number, value: bigint): this {
    const at = this.#attribute(type, 8);
    this.#room.bytes.writeBigUInt64BE(value, at);
    return this;
  }

  value(type: number, value: Uint8Array): this {
    const at = this.#attribute(type, value.length);
    this.#room.bytes.set(value, at);
    return this;
  }

  /** Text with the NUL that NLA_STRING policies of the kernel expect. */
  text(type: number, value: string): this {
    const at = this.#attribute(type, Buffer.byteLength(value) + 1);
    this.#room.bytes.write(value, at);
    return this;
  }

  nested(type: number, write: (inner: this) => void): this {
    const at = this.#attribute(type | nestedFlag, 0);
    write(this);
    this.#room.bytes.writeUInt16LE(this.#room.length - at + 4, at - 4);
    return this;
  }

  /** Bytes without an attribute's header, e.g. nfgenmsg or rtmsg, or attributes that are written already; padded. */
  raw(bytes: Uint8Array): this {
    const at = this.#room.reserve(bytes.length);
    this.#room.bytes.set(bytes, at);
    return this;
  }

  /** The message; the caller's sequence number finds its answer. */
  finish(sequence: number): Uint8Array {
    const { bytes, length } = this.#room;
    bytes.writeUInt32LE(this.length, this.#start);
    bytes.writeUInt16LE(this.#type, this.#start + 4);
    bytes.writeUInt16LE(this.#flags, this.#start + 6);
    bytes.writeUInt32LE(sequence, this.#start + 8);
    return bytes.subarray(this.#start, length);
  }

  #attribute(type: number, length: number): number {
    const at = this.#room.reserve(4 + length);
    const { bytes } = this.#room;
    bytes.writeUInt16LE(4 + length, at);
    bytes.writeUInt16LE(type, at + 2);
    return at + 4;
  }
}

import { SluiceError } from "../errors.ts";

// Netlink framing, include/uapi/linux/netlink.h. Numbers are in the machine's byte order; both machines that Sluice runs
// on are little-endian.
//
// datagram => message*           each message begins at a multiple of 4
// message  => length type flags sequence port payload
//   length => u32, header included    type => u16    flags => u16    sequence => u32    port => u32

export const headerBytes = 16;

/** Types below this belong to netlink itself (NLMSG_MIN_TYPE): */
export const firstProtocolType = 16;
export const controlType = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

export const messageFlag = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  echo: 0x8,
  /** The table changed while it was dumped; the dump may be inconsistent. */
  dumpInterrupted: 0x10,
  dump: 0x300,
  // Modifiers of requests that create something; the kernel sets create and exclusive in events as well.
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** Of NLMSG_ERROR: the request's payload is not repeated. */
  capped: 0x100,
  /** Of NLMSG_ERROR and NLMSG_DONE: attributes of the extended acknowledgement follow. */
  extended: 0x200,
} as const;

/** The type in the header before a payload. */
export function typeBefore(view: DataView, start: number): number {
  return start < headerBytes ? 0 : view.getUint16(start - 12, true);
}

/** The port in the header before a payload; see `Messages.port`. 0 where there is no header. */
export function portBefore(view: DataView, start: number): number {
  return start < headerBytes ? 0 : view.getUint32(start - 4, true);
}

/** The smallest multiple of 4 that is not below `length`: NLMSG_ALIGN and NLA_ALIGN. */
export function aligned(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Steps through the messages of a datagram without allocating: `while (messages.next())` read its fields. A length that
 * does not fit ends the loop and is remembered; `finish` throws it.
 */
export class Messages {
  /** Fields of the current message; `start` and `end` enclose its payload. */
  type = 0;
  flags = 0;
  sequence = 0;
  /** Of an event: the socket that caused it, 0 for the kernel itself. */
  port = 0;
  start = 0;
  end = 0;
  readonly #view: DataView;
  #next = 0;
  #limit = 0;
  #fault: string | undefined;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.reset(start, end);
  }

  /** Begins with another datagram in the same bytes. */
  reset(start: number, end: number): this {
    this.#next = start;
    this.#limit = end;
    this.#fault = undefined;
    return this;
  }

  next(): boolean {
    const at = this.#next;
    const left = this.#limit - at;
    if (left <= 0) return false;
    const length = left < headerBytes ? 0 : this.#view.getUint32(at, true);
    if (length < headerBytes || length > left) return this.#fail(`a message of ${length} bytes where ${left} are left`);
    this.type = this.#view.getUint16(at + 4, true);
    this.flags = this.#view.getUint16(at + 6, true);
    this.sequence = this.#view.getUint32(at + 8, true);
    this.port = this.#view.getUint32(at + 12, true);
    this.start = at + headerBytes;
    this.end = at + length;
    this.#next = at + aligned(length);
    return true;
  }

  /** Throws DECODE_FAILED if the datagram was malformed. */
  finish(): void {
    if (this.#fault !== undefined) throw new SluiceError("DECODE_FAILED", `netlink: ${this.#fault}`);
  }

  #fail(reason: string): false {
    this.#fault = reason;
    this.#next = this.#limit;
    return false;
  }
}

import { SluiceError } from "../errors.ts";
import { type Answer, decodeDone, decodeError } from "./answer.ts";
import { bind, checked, close, errnoName, errorName, getsockopt, sendto, setsockopt, socket } from "./libc.ts";
import { aligned, controlType, Messages, messageFlag } from "./message.ts";
import type { MessageWriter } from "./message-writer.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";

// include/linux/socket.h, include/uapi/asm-generic/socket.h, include/uapi/linux/netlink.h
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
// An array of u32, of which the last but none is the count (include/uapi/linux/sock_diag.h, SK_MEMINFO_DROPS).
const SO_MEMINFO = 55;
const meminfo = { words: 9, drops: 8 } as const;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_DROP_MEMBERSHIP = 2;
const NETLINK_BROADCAST_ERROR = 4;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

// A dump answers with as much as fits the reader's buffer, up to 32 KiB (net/netlink/af_netlink.c, netlink_dump).
const dumpDatagramBytes = 32_768;

// Any send buffer holds so much (net.core.wmem_default is 208 KiB); what is longer asks for more, which takes CAP_NET_ADMIN.
const smallDatagramBytes = 65_536;

export interface SocketOptions {
  /** How many datagrams one read takes, and how long each may be. */
  readonly slots?: number;
  readonly slotBytes?: number;
}

/** What a read brought. */
export interface Reading {
  readonly datagrams: number;
  /** The socket's buffer had been full since the last read: datagrams are lost (ENOBUFS). */
  readonly overrun: boolean;
  /** Datagrams that did not fit their slot. They are not visited. */
  readonly truncated: number;
  /** The buffer of slots was filled; more may be waiting. */
  readonly full: boolean;
}

/** Called for each message; `bytes` and the fields of `message` are valid only during the call. */
export type Visit = (bytes: Buffer, message: Messages) => void;

/**
 * A netlink socket that never waits: the kernel answers requests within `sendto`, and events are read when the owner
 * finds time. It belongs to the network namespace in which the calling thread was when it was opened.
 */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer: ReceiveBuffer;
  readonly #messages: Messages;
  #sequence = 0;
  #sendable = 0;

  private constructor(fd: number, buffer: ReceiveBuffer) {
    this.#fd = fd;
    this.#buffer = buffer;
    this.#messages = new Messages(buffer.bytes, 0, 0);
  }

  /** Opens and binds a socket of a protocol (netlink(7)): 0 route, 12 netfilter. */
  static open(protocol: number, options: SocketOptions = {}): NetlinkSocket {
    const fd = socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol) as number;
    if (fd < 0 && errorName() === "EPROTONOSUPPORT")
      throw new SluiceError("DEPENDENCY_MISSING", `the kernel has no netlink protocol ${protocol}`);
    checked("socket AF_NETLINK", fd);
    const opened = new NetlinkSocket(
      fd,
      new ReceiveBuffer(options.slots ?? 16, options.slotBytes ?? dumpDatagramBytes),
    );
    try {
      checked("bind AF_NETLINK", bind(fd, localAddress(), 12) as number);
      opened.#set(SOL_NETLINK, NETLINK_CAP_ACK, 1);
      opened.#set(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    } catch (thrown) {
      opened.close();
      throw thrown;
    }
    return opened;
  }

  /** For `waitForAny`. */
  get descriptor(): number {
    return this.#fd;
  }

  /** Where messages are read into: what `visit` is given, always the same bytes. */
  get bytes(): Buffer {
    return this.#buffer.bytes;
  }

  /** Subscribes to a multicast group, by number. */
  join(group: number): void {
    this.#set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  leave(group: number): void {
    this.#set(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, group);
  }

  /** Asks for a receive buffer beyond net.core.rmem_max (needs CAP_NET_ADMIN). The bytes the kernel then accounts for. */
  growReceiveBuffer(bytes: number): number {
    this.#set(SOL_SOCKET, SO_RCVBUFFORCE, bytes);
    const value = Buffer.alloc(4);
    const length = Buffer.from(Uint32Array.of(4).buffer);
    checked("getsockopt SO_RCVBUF", getsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, value, length) as number);
    return value.readInt32LE();
  }

  /** How many datagrams the kernel had no room for so far; it counts to 2^32. */
  drops(): number {
    memoryLength[0] = memory.byteLength;
    checked("getsockopt SO_MEMINFO", getsockopt(this.#fd, SOL_SOCKET, SO_MEMINFO, memory, memoryLength) as number);
    return memory[meminfo.drops] as number;
  }

  /** Whether who sends to a group is told that this socket had no room. Conntrack then tells of an end again, later. */
  reportUndelivered(on: boolean): void {
    this.#set(SOL_NETLINK, NETLINK_BROADCAST_ERROR, on ? 1 : 0);
  }

  /** Visits the messages that are there. A malformed datagram is handed to `malformed`, and reading goes on. */
  read(visit: Visit, malformed: (error: SluiceError) => void): Reading {
    const datagrams = this.#buffer.fill(this.#fd);
    if (datagrams < 0) return this.#nothingRead();
    let truncated = 0;
    for (let slot = 0; slot < datagrams; slot++)
      if (this.#buffer.truncated(slot)) truncated++;
      else this.#visitDatagram(slot, visit, malformed);
    return { datagrams, overrun: false, truncated, full: datagrams === this.#buffer.slots };
  }

  /** Sends a request and waits for its acknowledgement; throws NETLINK_FAILED or PERMISSION_DENIED with the kernel's words. */
  request(what: string, message: MessageWriter): void {
    for (const answer of this.transact([message])) failOn(what, answer);
  }

  /** Sends messages in one datagram; see `exchange`. */
  transact(messages: readonly MessageWriter[]): readonly Answer[] {
    return this.exchange(Buffer.concat(messages.map((message) => message.finish(0))));
  }

  /**
   * Sends a datagram of messages, as nf_tables transactions need, and returns the kernel's answers: an error for each message that
   * failed, and an acknowledgement for each that asked for it. Numbers the messages; the sequence number of an answer is the index of
   * its message. If answers were lost (more than the receive buffer holds), the first ones are returned.
   */
  exchange(datagram: Buffer): readonly Answer[] {
    const first = this.#sequence + 1;
    const asks = this.#number(datagram);
    this.#send(datagram);
    const answers: Answer[] = [];
    while (this.#readAnswers(answers, first));
    if (asks && answers.length === 0)
      throw new SluiceError("NETLINK_FAILED", "the kernel did not answer a netlink request");
    return answers.map((answer) => ({ ...answer, sequence: answer.sequence - first }));
  }

  /**
   * Sends questions in one datagram and visits what each is answered with, by the question's index: a message of the protocol's own, or
   * an error. The kernel keeps no more answers than the receive buffer holds, some 250.
   */
  ask(questions: readonly MessageWriter[], visit: (index: number, bytes: Buffer, message: Messages) => void): void {
    const first = this.#sequence + 1;
    this.#sequence += questions.length;
    this.#send(Buffer.concat(questions.map((question, index) => question.finish(first + index))));
    const take: Visit = (bytes, message) => {
      if (message.sequence >= first) visit(message.sequence - first, bytes, message);
    };
    while (this.read(take, rethrow).datagrams > 0);
  }

  /** Visits every message of the answer to a dump request. True if the table changed meanwhile (NLM_F_DUMP_INTR). */
  dump(what: string, message: MessageWriter, visit: Visit): boolean {
    const reading = this.dumping(what, message, visit);
    for (;;) {
      const { done, value } = reading.next();
      if (done) return value;
    }
  }

  /** The same, stopping after each read: one of 16 datagrams of 32 KiB takes some milliseconds. No other request in between. */
  *dumping(what: string, message: MessageWriter, visit: Visit): Generator<void, boolean> {
    const sequence = ++this.#sequence;
    this.#send(message.finish(sequence));
    let end: Answer | undefined;
    let interrupted = false;
    for (;;) {
      const reading = this.read((bytes, current) => {
        if (current.sequence !== sequence) return;
        if (current.flags & messageFlag.dumpInterrupted) interrupted = true;
        if (current.type === controlType.done) end = decodeDone(bytes, current);
        else if (current.type === controlType.error) end = decodeError(bytes, current);
        else visit(bytes, current);
      }, rethrow);
      if (end !== undefined) break;
      if (reading.datagrams === 0)
        throw new SluiceError("NETLINK_FAILED", `${what}: the kernel ended the dump without saying so`);
      yield;
    }
    failOn(what, end);
    return interrupted;
  }

  close(): void {
    close(this.#fd);
  }

  /** True if a message asks for an acknowledgement. */
  #number(datagram: Buffer): boolean {
    let flags = 0;
    for (let at = 0; at < datagram.length; at += aligned(datagram.readUInt32LE(at))) {
      flags |= datagram.readUInt16LE(at + 6);
      datagram.writeUInt32LE(++this.#sequence, at + 8);
    }
    return (flags & messageFlag.ack) !== 0;
  }

  #visitDatagram(slot: number, visit: Visit, malformed: (error: SluiceError) => void): void {
    const start = slot * this.#buffer.slotBytes;
    const messages = this.#messages.reset(start, start + this.#buffer.lengthOf(slot));
    while (messages.next()) if (messages.type !== controlType.noop) visit(this.#buffer.bytes, messages);
    try {
      messages.finish();
    } catch (thrown) {
      malformed(thrown as SluiceError);
    }
  }

  #nothingRead(): Reading {
    const name = errorName();
    if (name === "EAGAIN" || name === "EINTR") return nothing;
    if (name === "ENOBUFS") return { ...nothing, overrun: true };
    throw new SluiceError("NETLINK_FAILED", `recvmmsg: ${name}`, { context: { errno: name } });
  }

  /** False if there are no more. */
  #readAnswers(answers: Answer[], first: number): boolean {
    const take: Visit = (bytes, message) => {
      if (message.type !== controlType.error || message.sequence < first) return;
      answers.push(decodeError(bytes, message));
    };
    const { datagrams, overrun } = this.read(take, rethrow);
    return datagrams > 0 || overrun;
  }

  #send(bytes: Uint8Array): void {
    this.#growSendBuffer(bytes.length);
    checked("sendto AF_NETLINK", Number(sendto(this.#fd, bytes, bytes.length, 0, kernelAddress, 12)));
  }

  /** A datagram longer than the send buffer is refused with EMSGSIZE (net/netlink/af_netlink.c, netlink_sendmsg). */
  #growSendBuffer(bytes: number): void {
    if (bytes < smallDatagramBytes || bytes <= this.#sendable) return;
    this.#set(SOL_SOCKET, SO_SNDBUFFORCE, bytes);
    this.#sendable = bytes;
  }

  #set(level: number, name: number, value: number): void {
    const bytes = Buffer.from(Int32Array.of(value).buffer);
    checked(`setsockopt ${level} ${name}`, setsockopt(this.#fd, level, name, bytes, 4) as number);
  }
}

// What SO_MEMINFO is asked for, at each reading.
const memory = new Uint32Array(meminfo.words);
const memoryLength = Uint32Array.of(memory.byteLength);

const nothing: Reading = { datagrams: 0, overrun: false, truncated: 0, full: false };

// sockaddr_nl => family pad port groups    family => u16    pad => u16    port => u32    groups => u32
// Port 0 is the kernel when sent to, and "choose one for me" when bound.
function localAddress(): Buffer {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  return address;
}

const kernelAddress = localAddress();

function rethrow(error: SluiceError): never {
  throw error;
}

/** Throws unless the answer is a success. */
function failOn(what: string, answer: Answer): void {
  if (answer.errno === 0) return;
  const errno = errnoName(answer.errno);
  const code = errno === "EPERM" || errno === "EACCES" ? "PERMISSION_DENIED" : "NETLINK_FAILED";
  const words = answer.message === "" ? errno : `${errno}, ${answer.message}`;
  throw new SluiceError(code, `${what}: ${words}`, { context: { errno } });
}

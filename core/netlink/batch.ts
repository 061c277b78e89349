import { SluiceError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import { aligned, messageFlag } from "./message.ts";
import { MessageRoom } from "./message-room.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterFamily, netfilterHeader } from "./netfilter.ts";
import type { NetlinkSocket } from "./socket.ts";

// batch => begin message* end        include/uapi/linux/netfilter/nfnetlink.h, NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END
//   one datagram; nfgenmsg of both ends carries the subsystem as its resource
const edge = { begin: 16, end: 17 } as const;

// The kernel copies a batch into one piece of its memory. 50,000 intervals are 2.6 MB; the largest rulesets we load are below 20.
const maxBatchBytes = 64 * 2 ** 20;
const roomBytes = 4096;
const flagsOffset = 6;

export interface Refusal {
  /** Which of the messages; -1 if it was the batch as a whole, at its commit. */
  readonly index: number;
  readonly answer: Answer;
}

/** Messages of a netfilter subsystem that the kernel carries out together, or none of them. */
export class Batch {
  readonly #system: number;
  readonly #room: MessageRoom;
  /** What is written now. */
  #open: MessageWriter | undefined;
  #last = 0;
  #isEmpty = true;

  /** `bytes` is how long it will be, where that is known. */
  constructor(system: number, bytes = 0) {
    this.#system = system;
    this.#room = new MessageRoom(Math.max(bytes, roomBytes));
    this.#open = this.#edge(edge.begin);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#room.length;
  }

  /** What is written from one length of the batch to another. Valid until more is written. */
  slice(from: number, to: number): Uint8Array {
    this.#close();
    return this.#room.bytes.subarray(from, to);
  }

  /** The next message, to be written before there is another. */
  message(type: number, flags: number): MessageWriter {
    this.#close();
    this.#last = this.#room.length;
    this.#isEmpty = false;
    const message = new MessageWriter(type, flags, this.#room);
    this.#open = message;
    return message;
  }

  /** Whole messages that another batch had. */
  copy(messages: Uint8Array): void {
    if (messages.length === 0) return;
    this.#close();
    const from = this.#room.reserve(messages.length);
    const { bytes } = this.#room;
    bytes.set(messages, from);
    for (let at = from; at < from + messages.length; at += aligned(bytes.readUInt32LE(at))) this.#last = at;
    this.#isEmpty = false;
  }

  /**
   * Undefined if the kernel carried it out; else its first refusal, in the order of messages: the later ones are often only its
   * consequences. Throws if the kernel would not take the batch at all. A batch is sent once.
   */
  send(socket: NetlinkSocket): Refusal | undefined {
    if (this.#isEmpty) return undefined;
    this.#close();
    // Older kernels do not acknowledge the end itself. Whether the commit went well is in the answer to the beginning.
    this.#acknowledgeLast(true);
    this.#edge(edge.end).finish(0);
    if (this.length > maxBatchBytes)
      throw new SluiceError("NETLINK_FAILED", `a batch of ${this.length} bytes is beyond ${maxBatchBytes}`);
    const answers = socket.exchange(this.#room.bytes.subarray(0, this.length));
    this.#acknowledgeLast(false);
    const refusals = answers.filter(({ errno }) => errno !== 0).sort((a, b) => a.sequence - b.sequence);
    const first = refusals.find(({ sequence }) => sequence > 0) ?? refusals[0];
    return first && { index: first.sequence - 1, answer: first };
  }

  /** Gives its memory back: it is neither written nor read any more. */
  free(): void {
    this.#room.free();
  }

  #close(): void {
    this.#open?.finish(0);
    this.#open = undefined;
  }

  #edge(type: number): MessageWriter {
    return new MessageWriter(type, messageFlag.request, this.#room).raw(
      netfilterHeader(netfilterFamily.unspecified, this.#system),
    );
  }

  /** What is copied to another batch asks for nothing. */
  #acknowledgeLast(asks: boolean): void {
    const { bytes } = this.#room;
    const flags = bytes.readUInt16LE(this.#last + flagsOffset);
    bytes.writeUInt16LE(asks ? flags | messageFlag.ack : flags & ~messageFlag.ack, this.#last + flagsOffset);
  }
}

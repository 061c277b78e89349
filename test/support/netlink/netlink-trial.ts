import assert from "node:assert/strict";
import { FastMessage } from "../../../collectors/conntrack/fast-message.ts";
import { LogDecoder } from "../../../collectors/nflog/message.ts";
import { Recorder } from "../../../collectors/recorder.ts";
import { FlowDecoder, FlowEncoder } from "../../../collectors/spool/flow-layout.ts";
import { batchIn, FrameWriter } from "../../../collectors/spool/record-frames.ts";
import { EntryDecoder } from "../../../core/conntrack/entry.ts";
import { SluiceError } from "../../../core/errors.ts";
import { decodeDone, decodeError } from "../../../core/netlink/answer.ts";
import { Messages } from "../../../core/netlink/message.ts";
import { subsystem } from "../../../core/netlink/netfilter.ts";
import { decodeNftEvent, tableOf } from "../../../core/netlink/nft-event.ts";
import { flowCodec } from "../../../core/records/codec.ts";
import { type RawFlow, unenriched } from "../../../core/records/flow.ts";
import { capturedNflog } from "../../collectors/captured-nflog.ts";
import { capturedConntrack } from "../../core/conntrack/captured-conntrack.ts";
import { added, deleted } from "../../core/netlink/captured-nft.ts";
import { randomFrom } from "../random.ts";
import { fastFaultOf } from "./fast-fault.ts";
import { mutate } from "./mutation.ts";
import { isEntry, isLoggedPacket } from "./naive-grammar.ts";
import { faultOf } from "./record-fault.ts";

// Messages of the kernel, changed at random, on the way that a collector's take: framing, decoding, recording, spool and bus.

const slotBytes = 4_096;
const messagesPerFlush = 512;
/** Of so many records one is written and read back. */
const codedOneOf = 16;
const epoch = 1_795_479_672_000_000;
const windowUs = 1_000_000;

const corpus: readonly Buffer[] = [
  ...Object.values(capturedConntrack).map((hex) => Buffer.from(hex, "hex")),
  ...Object.values(capturedNflog).map((hex) => Buffer.from(hex, "hex")),
  ...[...added, ...deleted].map(([type, payload]) => framed(type, Buffer.from(payload, "hex"))),
];

function framed(type: number, payload: Buffer): Buffer {
  const message = Buffer.concat([Buffer.alloc(16), payload]);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  return message;
}

export interface Tally {
  readonly messages: number;
  readonly entries: number;
  readonly logged: number;
  readonly refused: number;
  readonly records: number;
}

/** One run; the same seed gives the same messages. Any fault throws. */
export class NetlinkTrial {
  readonly #random: () => number;
  readonly #bytes = Buffer.alloc(slotBytes);
  readonly #messages = new Messages(this.#bytes);
  readonly #fast = new FastMessage(this.#bytes);
  readonly #entries = new EntryDecoder(this.#bytes);
  readonly #logs = new LogDecoder(this.#bytes);
  readonly #spooled = Buffer.alloc(4_096);
  readonly #encoder = new FlowEncoder(this.#spooled);
  readonly #decoder = new FlowDecoder();
  readonly #codec = flowCodec();
  readonly #frames = new FrameWriter(1 << 20);
  readonly #recorder = new Recorder({ epoch, interfaceName: (index) => `if${index}` });
  readonly #tally = { messages: 0, entries: 0, logged: 0, refused: 0, records: 0 };
  #now = epoch;
  #sinceFlush = 0;
  #length = 0;

  constructor(seed: number) {
    this.#random = randomFrom(1 + (Math.abs(Math.trunc(seed)) % 2_147_483_646));
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** The datagram that was tried last. */
  get datagram(): string {
    return this.#bytes.toString("hex", 0, this.#length);
  }

  /** Tries one datagram of one to three messages. */
  step(): void {
    this.#length = 0;
    for (let left = 1 + (this.#below(8) === 0 ? this.#below(3) : 0); left > 0; left--) this.#append();
    this.#take();
  }

  /** Tries a datagram that was saved. */
  replay(hex: string): void {
    this.#length = this.#bytes.write(hex, "hex");
    this.#take();
    this.#flush();
  }

  readonly #below = (limit: number): number => Math.floor(this.#random() * limit);

  #append(): void {
    const from = corpus[this.#below(corpus.length)] as Buffer;
    const at = (this.#length + 3) & ~3;
    if (at + from.length + 256 > slotBytes) return;
    this.#bytes.fill(0, this.#length, at);
    from.copy(this.#bytes, at);
    this.#length = at + mutate(this.#bytes.subarray(at), from.length, this.#below);
  }

  #take(): void {
    const messages = this.#messages.reset(0, this.#length);
    while (messages.next()) {
      this.#tally.messages++;
      this.#now += 3;
      this.#visit(messages);
    }
    const fault = outcomeOf(() => messages.finish());
    if (fault instanceof SluiceError) {
      this.#tally.messages++;
      this.#refuse(fault);
    }
    this.#sinceFlush++;
    if (this.#sinceFlush >= messagesPerFlush) this.#flush();
  }

  /** Each decoder gets the messages that are its own, and now and then one that is not. */
  #visit(framed: Messages): void {
    const { type, start, end } = framed;
    const message = this.#bytes.subarray(start - 16, end);
    const isStray = this.#below(16) === 0;
    if (type >> 8 === subsystem.conntrack || isStray) this.#tryEntry(framed, message);
    if (type >> 8 === subsystem.log || isStray) this.#tryPacket(framed, message);
    if (type >> 8 === subsystem.nftables || isStray) outcomeOf(() => decodeNftEvent(this.#bytes, { type, start, end }));
    if (isStray) this.#tryAnswers(framed);
  }

  #tryEntry({ type, flags, start, end }: Messages, message: Uint8Array): void {
    const entry = outcomeOf(() => this.#entries.decode(type, flags, start, end));
    const isRefused = entry instanceof SluiceError;
    assert.equal(!isRefused, isEntry(message), `an entry or not: ${describe(entry)}`);
    const isFast = this.#fast.read(type, flags, start, end);
    if (isRefused) {
      assert.ok(!isFast, `read fast, but refused: ${describe(entry)}`);
      this.#refuse(entry);
      return;
    }
    this.#tally.entries++;
    if (isFast) assert.equal(fastFaultOf(this.#fast, entry), undefined, "read fast and otherwise");
    if (!isFast || !this.#recorder.message(this.#fast, this.#now)) this.#recorder.entry(entry, this.#now);
  }

  #tryPacket({ start, end }: Messages, message: Uint8Array): void {
    const logged = outcomeOf(() => this.#logs.decode(start, end));
    const isRefused = logged instanceof SluiceError;
    assert.equal(!isRefused, isLoggedPacket(message), `a packet or not: ${describe(logged)}`);
    if (isRefused) this.#refuse(logged);
    else {
      this.#tally.logged++;
      this.#recorder.logged(logged, this.#now);
    }
  }

  #tryAnswers({ type, flags, sequence, start, end }: Messages): void {
    outcomeOf(() => tableOf(this.#bytes, { type, start, end }));
    outcomeOf(() => decodeError(this.#bytes, { flags, sequence, start, end }));
    outcomeOf(() => decodeDone(this.#bytes, { flags, sequence, start, end }));
  }

  #refuse(error: SluiceError): void {
    this.#tally.refused++;
    this.#recorder.malformed(error, this.#now);
  }

  /** Every window has a dump, which finds most of what was made up missing. */
  #flush(): void {
    this.#sinceFlush = 0;
    this.#recorder.beginDump();
    this.#recorder.endDump(this.#now);
    const end = this.#now - (this.#now % windowUs) + windowUs;
    const window = { start: end - windowUs, end, whole: true };
    for (const flow of this.#usualOf(window)) {
      this.#tally.records++;
      const fault = faultOf(flow);
      assert.equal(fault, undefined, `a record out of a row has ${fault}: ${JSON.stringify(flow)}`);
    }
    for (const draft of [...this.#recorder.flush(window), ...[...this.#recorder.denied(window)].flat()]) {
      const fault = faultOf(draft);
      assert.equal(fault, undefined, `a record has ${fault}: ${JSON.stringify(draft)}`);
      if (this.#tally.records++ % codedOneOf !== 0) continue;
      const length = this.#encoder.encode(draft, 0);
      assert.deepEqual(this.#decoder.decode(this.#spooled, 0, length), draft);
      const flow = { cluster: "c", node: "n", epoch: 1, seq: 0, ...draft, ...unenriched };
      assert.deepEqual(this.#codec.decode(this.#codec.encode(flow)), flow);
    }
    this.#recorder.takeLosses();
  }

  /** The records of connections that are rows, as an outbox has them written. */
  #usualOf(window: { readonly start: number; readonly end: number }): readonly RawFlow[] {
    const { usual } = this.#recorder;
    const frames = this.#frames;
    frames.reset();
    usual.takeClosed(messagesPerFlush * 4, (slot) => frames.slot(usual.slots, slot, window, 0));
    for (let slot = usual.nextChanged(0); slot >= 0; slot = usual.nextChanged(slot + 1))
      usual.settle(slot, frames.slot(usual.slots, slot, window, 0).end);
    return batchIn(frames.written, { cluster: "c", node: "n", epoch: 1 }).flows;
  }
}

/** What comes of it; only DECODE_FAILED may be thrown. */
function outcomeOf<T>(work: () => T): T | SluiceError {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === "DECODE_FAILED") return thrown;
    throw thrown;
  }
}

const describe = (outcome: unknown) => (outcome instanceof SluiceError ? outcome.message : "decoded");

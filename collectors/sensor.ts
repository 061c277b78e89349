import { EntryDecoder } from "../core/conntrack/entry.ts";
import { conntrackGroups, dumpRequest, statisticsRequest } from "../core/conntrack/requests.ts";
import { SluiceError } from "../core/errors.ts";
import { firstProtocolType, type Messages } from "../core/netlink/message.ts";
import { NETLINK_NETFILTER } from "../core/netlink/netfilter.ts";
import { NetlinkSocket, type Reading } from "../core/netlink/socket.ts";
import { FastMessage } from "./conntrack/fast-message.ts";
import { KernelCounters, type KernelCounts } from "./kernel-counters.ts";
import { bindGroup } from "./nflog/bind-group.ts";
import { LogDecoder } from "./nflog/message.ts";
import { configureRequest, logDatagramBytes } from "./nflog/requests.ts";
import type { Recorder } from "./recorder.ts";
import { ReliableEnds } from "./reliable-ends.ts";
import { Unlogged } from "./unlogged.ts";

// As many as recvmmsg(2) takes at once (UIO_MAXIOV). One event is one datagram of 150 to 400 bytes.
const eventSlots = 1024;
const eventBytes = 1024;
const logSlots = 64;
// Read at once, at most: some milliseconds.
const batchesPerPoll = 4;
// Polls before a dump, at most; a flood must not put it off for long.
const drainedPolls = 16;

export interface SensorOptions {
  readonly nflogGroup: number;
  /** What the kernel may keep for us while we are busy, per socket. */
  readonly receiveBufferBytes: number;
  /** Microseconds since the epoch. */
  readonly now: () => number;
}

export interface Poll {
  /** How many datagrams were read. */
  readonly datagrams: number;
  /** A batch was full: more is waiting. */
  readonly more: boolean;
  /** Conntrack events were lost. */
  readonly overran: boolean;
}

/** The sockets on which the kernel tells of connections and denials, in the calling thread's network namespace. */
export class Sensor {
  readonly #recorder: Recorder;
  readonly #options: SensorOptions;
  /** For dumps alone: nothing else may be asked while one is read. */
  readonly #requests: NetlinkSocket;
  readonly #questions: NetlinkSocket;
  readonly #events: NetlinkSocket;
  readonly #logs: NetlinkSocket;
  readonly #dumps: Conntrack;
  readonly #changes: Conntrack;
  readonly #logDecoder: LogDecoder;
  readonly #kernel: KernelCounters;
  readonly #ends: ReliableEnds;
  #unlogged: Unlogged | undefined;

  /** Opens the sockets; nothing is told on them before `subscribe`. */
  constructor(recorder: Recorder, options: SensorOptions) {
    this.#recorder = recorder;
    this.#options = options;
    this.#requests = NetlinkSocket.open(NETLINK_NETFILTER);
    this.#questions = NetlinkSocket.open(NETLINK_NETFILTER);
    this.#events = NetlinkSocket.open(NETLINK_NETFILTER, { slots: eventSlots, slotBytes: eventBytes });
    this.#logs = NetlinkSocket.open(NETLINK_NETFILTER, { slots: logSlots, slotBytes: logDatagramBytes });
    this.#kernel = new KernelCounters(this.#questions, { conntrack: this.#events, nflog: this.#logs });
    this.#ends = new ReliableEnds((on) => this.#events.reportUndelivered(on));
    this.#dumps = conntrackIn(this.#requests.bytes);
    this.#changes = conntrackIn(this.#events.bytes);
    this.#logDecoder = new LogDecoder(this.#logs.bytes);
  }

  /** Asks the kernel whether it has conntrack's netlink, which also loads its module. */
  probe(): void {
    needing("CONFIG_NF_CT_NETLINK", () => this.#requests.request("conntrack statistics", statisticsRequest()));
  }

  subscribe(): void {
    this.#unlogged = new Unlogged(this.#questions);
    const { nflogGroup, receiveBufferBytes } = this.#options;
    for (const socket of [this.#events, this.#logs]) socket.growReceiveBuffer(receiveBufferBytes);
    this.#events.join(conntrackGroups.new);
    this.#events.join(conntrackGroups.destroy);
    needing("CONFIG_NETFILTER_NETLINK_LOG", () => bindGroup(this.#logs, nflogGroup, "collector.nflog-group"));
    this.#logs.request(`configure NFLOG group ${nflogGroup}`, configureRequest(nflogGroup));
  }

  /** What the kernel counted since this began. Tells of what it dropped since the last time. */
  countKernel(span: { readonly start: number; readonly end: number }): KernelCounts {
    const { counts, dropped } = this.#kernel.read();
    if (dropped > 0) this.#recorder.tableWasFull(dropped, span);
    return counts;
  }

  /** Keeps to what the table's fill allows; true if that changed, with what holds from now on. */
  tend(fill: number): boolean | undefined {
    return this.#ends.tend(fill);
  }

  /** Tells what the log left out since the last time. */
  countUnlogged(span: { readonly start: number; readonly end: number }): void {
    this.#recorder.notLogged(this.#unlogged?.take() ?? new Map(), span);
  }

  /** Reads what is there, some batches of each source. */
  poll(): Poll {
    const events = this.#read("conntrack", this.#events, (message, now) =>
      this.#conntrack(this.#changes, message, now),
    );
    const logs = this.#read("nflog", this.#logs, ({ start, end }, now) =>
      this.#recorder.logged(this.#logDecoder.decode(start, end), now),
    );
    return {
      datagrams: events.datagrams + logs.datagrams,
      more: events.full || logs.full,
      overran: events.overrun || events.lost > 0,
    };
  }

  /** Takes in the whole table, after the events that are there: who is in it is then known to be new, or known already. */
  dump(): void {
    for (const _ of this.dumping());
  }

  /** The same in slices of a few milliseconds, between which events may be read. */
  *dumping(): Generator<void> {
    this.#recorder.beginDump();
    for (let polls = 0; polls < drainedPolls; polls++) if (!this.poll().more) break;
    const now = this.#options.now();
    yield* this.#requests.dumping("conntrack dump", dumpRequest(), (_bytes, message) =>
      this.#conntrack(this.#dumps, message, now),
    );
    this.#recorder.endDump(now);
  }

  close(): void {
    for (const socket of [this.#requests, this.#questions, this.#events, this.#logs]) socket.close();
  }

  #read(
    source: "conntrack" | "nflog",
    socket: NetlinkSocket,
    take: (message: Messages, now: number) => void,
  ): Reading & { readonly lost: number } {
    const from = this.#options.now();
    const sum = { datagrams: 0, full: true, overrun: false, truncated: 0, lost: 0 };
    for (let batch = 0; batch < batchesPerPoll && sum.full; batch++) {
      const reading = this.#readBatch(socket, take);
      sum.datagrams += reading.datagrams;
      sum.truncated += reading.truncated;
      sum.overrun ||= reading.overrun;
      // What was lost is told first, before what is there.
      sum.full = reading.full || reading.overrun;
    }
    const now = this.#options.now();
    sum.lost = this.#kernel.undelivered(source);
    if (sum.overrun || sum.lost > 0) this.#recorder.overran(source, sum.lost, now);
    else this.#recorder.wasRead(source, from);
    for (let n = 0; n < sum.truncated; n++) this.#recorder.malformed(tooLong(source), now);
    return sum;
  }

  #readBatch(socket: NetlinkSocket, take: (message: Messages, now: number) => void): Reading {
    const now = this.#options.now();
    return socket.read(
      (_bytes, message) => {
        if (message.type < firstProtocolType) return;
        try {
          take(message, now);
        } catch (thrown) {
          this.#malformed(thrown, now);
        }
      },
      (error) => this.#recorder.malformed(error, now),
    );
  }

  #conntrack({ fast, decoder }: Conntrack, { type, flags, start, end }: Messages, now: number): void {
    if (fast.read(type, flags, start, end) && this.#recorder.message(fast, now)) return;
    try {
      this.#recorder.entry(decoder.decode(type, flags, start, end), now);
    } catch (thrown) {
      this.#malformed(thrown, now);
    }
  }

  #malformed(thrown: unknown, now: number): void {
    if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED") throw thrown;
    this.#recorder.malformed(thrown, now);
  }
}

/** Two ways to read the messages of one buffer: at once what is as usual, and everything. */
interface Conntrack {
  readonly fast: FastMessage;
  readonly decoder: EntryDecoder;
}

const conntrackIn = (bytes: Uint8Array): Conntrack => ({
  fast: new FastMessage(bytes),
  decoder: new EntryDecoder(bytes),
});

function tooLong(source: string): SluiceError {
  return new SluiceError("DECODE_FAILED", `${source}: a message longer than its place`);
}

/** nfnetlink answers EINVAL for a subsystem it does not know (net/netfilter/nfnetlink.c, nfnetlink_rcv_msg). */
function needing(kernelOption: string, ask: () => void): void {
  try {
    ask();
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.context["errno"] !== "EINVAL") throw thrown;
    throw new SluiceError("DEPENDENCY_MISSING", `the kernel lacks ${kernelOption}`, { cause: thrown });
  }
}

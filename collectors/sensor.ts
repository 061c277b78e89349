import { EntryDecoder } from "../core/conntrack/entry.ts";
import { conntrackGroups, dumpRequest, statisticsRequest } from "../core/conntrack/requests.ts";
import { SluiceError } from "../core/errors.ts";
import { firstProtocolType } from "../core/netlink/message.ts";
import { NETLINK_NETFILTER } from "../core/netlink/netfilter.ts";
import { NetlinkSocket, type Reading } from "../core/netlink/socket.ts";
import { bindGroup } from "./nflog/bind-group.ts";
import { LogDecoder } from "./nflog/message.ts";
import { configureRequest, logDatagramBytes } from "./nflog/requests.ts";
import type { Recorder } from "./recorder.ts";
import { Unlogged } from "./unlogged.ts";

// Measured: batches of 512 slots of 1 KiB. One event is one datagram of 150 to 400 bytes.
const eventSlots = 512;
const eventBytes = 1024;
const logSlots = 64;
// Read before a dump, at most; a flood must not put it off for long.
const drainedBatches = 64;

export interface SensorOptions {
  readonly nflogGroup: number;
  /** What the kernel may keep for us while we are busy, per socket. */
  readonly receiveBufferBytes: number;
  /** Microseconds since the epoch. */
  readonly now: () => number;
}

export interface Poll {
  /** Something was read. */
  readonly found: boolean;
  /** A batch was full: more is waiting. */
  readonly more: boolean;
  /** Conntrack events were lost. */
  readonly overran: boolean;
}

/** The sockets on which the kernel tells of connections and denials, in the calling thread's network namespace. */
export class Sensor {
  readonly #recorder: Recorder;
  readonly #options: SensorOptions;
  readonly #requests: NetlinkSocket;
  readonly #events: NetlinkSocket;
  readonly #logs: NetlinkSocket;
  readonly #dumpDecoder: EntryDecoder;
  readonly #eventDecoder: EntryDecoder;
  readonly #logDecoder: LogDecoder;
  #unlogged: Unlogged | undefined;

  /** Opens the sockets; nothing is told on them before `subscribe`. */
  constructor(recorder: Recorder, options: SensorOptions) {
    this.#recorder = recorder;
    this.#options = options;
    this.#requests = NetlinkSocket.open(NETLINK_NETFILTER);
    this.#events = NetlinkSocket.open(NETLINK_NETFILTER, { slots: eventSlots, slotBytes: eventBytes });
    this.#logs = NetlinkSocket.open(NETLINK_NETFILTER, { slots: logSlots, slotBytes: logDatagramBytes });
    this.#dumpDecoder = new EntryDecoder(this.#requests.bytes);
    this.#eventDecoder = new EntryDecoder(this.#events.bytes);
    this.#logDecoder = new LogDecoder(this.#logs.bytes);
  }

  /** Asks the kernel whether it has conntrack's netlink, which also loads its module. */
  probe(): void {
    needing("CONFIG_NF_CT_NETLINK", () => this.#requests.request("conntrack statistics", statisticsRequest()));
  }

  subscribe(): void {
    this.#unlogged = new Unlogged(this.#requests);
    const { nflogGroup, receiveBufferBytes } = this.#options;
    for (const socket of [this.#events, this.#logs]) socket.growReceiveBuffer(receiveBufferBytes);
    this.#events.join(conntrackGroups.new);
    this.#events.join(conntrackGroups.destroy);
    needing("CONFIG_NETFILTER_NETLINK_LOG", () => bindGroup(this.#logs, nflogGroup, "collector.nflog-group"));
    this.#logs.request(`configure NFLOG group ${nflogGroup}`, configureRequest(nflogGroup));
  }

  /** Tells what the log left out since the last time. */
  countUnlogged(span: { readonly start: number; readonly end: number }): void {
    this.#recorder.notLogged(this.#unlogged?.take() ?? new Map(), span);
  }

  /** Reads what is there, one batch per source. */
  poll(): Poll {
    const events = this.#read("conntrack", this.#events, (type, flags, start, end, now) =>
      this.#recorder.entry(this.#eventDecoder.decode(type, flags, start, end), now),
    );
    const logs = this.#read("nflog", this.#logs, (_type, _flags, start, end, now) =>
      this.#recorder.logged(this.#logDecoder.decode(start, end), now),
    );
    return {
      found: events.datagrams + logs.datagrams > 0,
      more: events.full || logs.full,
      overran: events.overrun,
    };
  }

  /**
   * Takes in the whole table, after the events that are there: who is in it is then known to be new, or known already. No
   * event may be read before it has ended: an entry copied out before its DESTROY must not be taken in after it.
   */
  dump(): void {
    for (let batch = 0; batch < drainedBatches; batch++) if (!this.poll().more) break;
    const now = this.#options.now();
    this.#recorder.beginDump();
    this.#requests.dump("conntrack dump", dumpRequest(), (_bytes, { type, flags, start, end }) =>
      this.#decoding(now, () => this.#recorder.entry(this.#dumpDecoder.decode(type, flags, start, end), now)),
    );
    this.#recorder.endDump(now);
  }

  close(): void {
    for (const socket of [this.#requests, this.#events, this.#logs]) socket.close();
  }

  #read(
    source: "conntrack" | "nflog",
    socket: NetlinkSocket,
    take: (type: number, flags: number, start: number, end: number, now: number) => void,
  ): Reading {
    const now = this.#options.now();
    const reading = socket.read(
      (_bytes, { type, flags, start, end }) => {
        if (type < firstProtocolType) return;
        this.#decoding(now, () => take(type, flags, start, end, now));
      },
      (error) => this.#recorder.malformed(error, now),
    );
    if (reading.overrun) this.#recorder.overran(source, now);
    else this.#recorder.wasRead(source, now);
    for (let lost = 0; lost < reading.truncated; lost++) this.#recorder.malformed(tooLong(source), now);
    return reading;
  }

  #decoding(now: number, take: () => void): void {
    try {
      take();
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED") throw thrown;
      this.#recorder.malformed(thrown, now);
    }
  }
}

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

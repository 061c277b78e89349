import { SluiceError } from "../../core/errors.ts";
import { firstProtocolType } from "../../core/netlink/message.ts";
import { NETLINK_NETFILTER } from "../../core/netlink/netfilter.ts";
import { NetlinkSocket } from "../../core/netlink/socket.ts";
import { bindGroup } from "../nflog/bind-group.ts";
import { LogDecoder, type LoggedPacket } from "../nflog/message.ts";
import { configureRequest } from "../nflog/requests.ts";
import { loadCopyRules, readBeyond, removeCopyRules } from "./rules.ts";

/** What resolvers ask for at most by EDNS is 1,232 bytes (RFC 9715, 3); beyond this an answer is told in part. */
const copyRange = 2_048;
const datagramBytes = 4_096;
const slots = 64;
/** A message at once: an answer must be there before the connection that it leads to is told of. */
const batchMessages = 1;
/** So many batches are read at a time; a flood must not keep the reader from conntrack. */
const mostBatches = 8;

export interface DnsSensorOptions {
  readonly nflogGroup: number;
  readonly maxPerSecond: number;
  /** What the kernel may keep for us while we are busy. */
  readonly receiveBufferBytes: number;
}

/** Told of what a sensor reads. */
export interface DnsListener {
  captured(logged: LoggedPacket, packet: Uint8Array): void;
  /** A message that could not be read. */
  malformed(): void;
  /** The kernel dropped messages since the last read. */
  overran(): void;
}

/** The socket on which the kernel gives copies of DNS packets, and the rules that make it do so, in the calling thread's network namespace. */
export class DnsSensor {
  readonly #options: DnsSensorOptions;
  readonly #listener: DnsListener;
  readonly #requests: NetlinkSocket;
  readonly #logs: NetlinkSocket;
  readonly #decoder: LogDecoder;
  #isLoaded = false;
  #beyond = 0;

  constructor(options: DnsSensorOptions, listener: DnsListener) {
    this.#options = options;
    this.#listener = listener;
    this.#requests = NetlinkSocket.open(NETLINK_NETFILTER);
    this.#logs = NetlinkSocket.open(NETLINK_NETFILTER, { slots, slotBytes: datagramBytes });
    this.#decoder = new LogDecoder(this.#logs.bytes);
  }

  /** The socket first: what the rules copy to nobody is lost. */
  subscribe(): void {
    const { nflogGroup: group, maxPerSecond, receiveBufferBytes } = this.#options;
    this.#logs.growReceiveBuffer(receiveBufferBytes);
    bindGroup(this.#logs, group, "dns.nflog-group");
    this.#logs.request(
      `configure NFLOG group ${group}`,
      configureRequest(group, { copyRange, datagramBytes, batchMessages }),
    );
    loadCopyRules({ group, maxPerSecond, copyRange });
    this.#isLoaded = true;
  }

  /** Reads what is there; whether there was anything. */
  poll(): boolean {
    for (let batch = 0; batch < mostBatches; batch++) {
      const { datagrams, overrun, truncated, full } = this.#logs.read(
        (_bytes, { type, start, end }) => {
          if (type >= firstProtocolType) this.#take(start, end);
        },
        () => this.#listener.malformed(),
      );
      if (overrun) this.#listener.overran();
      for (let lost = 0; lost < truncated; lost++) this.#listener.malformed();
      if (!full && !overrun) return batch > 0 || datagrams > 0;
    }
    return true;
  }

  /** Packets that the rules did not copy, being beyond `maxPerSecond`, since the last call. */
  takeBeyond(): number {
    const before = this.#beyond;
    this.#beyond = readBeyond(this.#requests);
    return Math.max(this.#beyond - before, 0);
  }

  /** Removes the rules as well. */
  close(): void {
    try {
      if (this.#isLoaded) removeCopyRules();
    } finally {
      for (const socket of [this.#requests, this.#logs]) socket.close();
    }
  }

  #take(start: number, end: number): void {
    try {
      const logged = this.#decoder.decode(start, end);
      this.#listener.captured(logged, this.#decoder.payload);
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED") throw thrown;
      this.#listener.malformed();
    }
  }
}

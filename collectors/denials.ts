import type { RawFlow } from "../core/records/flow.ts";
import { type Draft, spanOf } from "./draft.ts";
import type { PacketHeaders } from "./nflog/packet.ts";
import type { LogPrefix } from "./nflog/prefix.ts";

/** A packet that a rule denied, as logged. Time in microseconds. */
export interface Denial {
  readonly cause: LogPrefix;
  readonly packet: PacketHeaders;
  readonly at: number;
  readonly inInterface: string | null;
  readonly outInterface: string | null;
}

interface Repeated {
  readonly first: Denial;
  packets: number;
  bytes: number;
}

/** Denied packets of one window, counted per tuple, direction and cause. A denied packet has no connection. */
export class Denials {
  readonly #limit: number;
  #repeated = new Map<string, Repeated>();
  #beyond = 0;

  /** At most `limit` different denials are told apart per window: a port scan must not fill the memory. */
  constructor(limit = 65_536) {
    this.#limit = limit;
  }

  observe(denial: Denial): void {
    const key = keyOf(denial);
    const known = this.#repeated.get(key);
    if (known !== undefined) {
      known.packets++;
      known.bytes += denial.packet.bytes;
    } else if (this.#repeated.size < this.#limit) {
      this.#repeated.set(key, { first: denial, packets: 1, bytes: denial.packet.bytes });
    } else this.#beyond++;
  }

  /** The records of the window that ends, and how many packets are not in them. */
  take(start: number, end: number): { readonly drafts: readonly Draft[]; readonly beyond: number } {
    const drafts = [...this.#repeated.values()].map((repeated) => draftOf(repeated, start, end));
    const beyond = this.#beyond;
    this.#repeated = new Map();
    this.#beyond = 0;
    return { drafts, beyond };
  }
}

function keyOf({ cause, packet }: Denial): string {
  const { icmp } = packet;
  return [
    cause.direction,
    cause.rule ?? cause.reason,
    packet.protocol,
    packet.source,
    packet.sourcePort,
    packet.destination,
    packet.destinationPort,
    ...(icmp === null ? [] : [icmp.type, icmp.code, icmp.id]),
  ].join(" ");
}

function draftOf({ first, packets, bytes }: Repeated, windowStart: number, windowEnd: number): Draft {
  const { cause, packet } = first;
  return {
    ...spanOf(first.at, windowStart, windowEnd),
    startedAt: first.at,
    state: "denied",
    connection: null,
    zone: 0,
    protocol: packet.protocol,
    sourceAddress: packet.source,
    sourcePort: packet.sourcePort,
    destinationAddress: packet.destination,
    destinationPort: packet.destinationPort,
    icmp: packet.icmp,
    nat: null,
    packets,
    bytes,
    replyPackets: 0,
    replyBytes: 0,
    totalPackets: packets,
    totalBytes: bytes,
    totalReplyPackets: 0,
    totalReplyBytes: 0,
    replied: false,
    denied: cause.direction,
    reason: cause.reason,
    ...rulesOf(cause),
    inInterface: first.inInterface,
    outInterface: first.outInterface,
  };
}

function rulesOf(cause: LogPrefix): Pick<RawFlow, "egressRule" | "ingressRule"> {
  return cause.direction === "egress"
    ? { egressRule: cause.rule, ingressRule: null }
    : { egressRule: null, ingressRule: cause.rule };
}

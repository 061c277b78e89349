import { type RawFlow, unremarkable } from "../core/records/flow.ts";
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
  readonly mark: number;
  readonly uid: number | null;
  readonly gid: number | null;
}

interface Repeated {
  readonly first: Denial;
  packets: number;
  bytes: number;
  replyPackets: number;
  replyBytes: number;
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

  observe(seen: Denial): void {
    const denial = seen.cause.isAnswer ? asAsked(seen) : seen;
    const key = keyOf(denial);
    const known = this.#repeated.get(key);
    if (known === undefined && this.#repeated.size >= this.#limit) {
      this.#beyond++;
      return;
    }
    const repeated = known ?? { first: denial, packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0 };
    if (known === undefined) this.#repeated.set(key, repeated);
    if (seen.cause.isAnswer) {
      repeated.replyPackets++;
      repeated.replyBytes += seen.packet.bytes;
    } else {
      repeated.packets++;
      repeated.bytes += seen.packet.bytes;
    }
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

/** An answer tells of who asked: the record is of the connection as it was opened, as those of its packets that passed are. */
function asAsked({ packet, inInterface, outInterface, ...rest }: Denial): Denial {
  return {
    ...rest,
    packet: {
      ...packet,
      source: packet.destination,
      sourcePort: packet.destinationPort,
      destination: packet.source,
      destinationPort: packet.sourcePort,
    },
    inInterface: outInterface,
    outInterface: inInterface,
  };
}

function keyOf({ cause, packet }: Denial): string {
  const { icmp, about, protocol, source, sourcePort, destination, destinationPort } = packet;
  const why = `${cause.direction} ${cause.rule ?? cause.reason}`;
  const tuple = `${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`;
  if (icmp === null) return `${why} ${tuple}`;
  const told = about === null ? "" : Object.values(about).join(" ");
  return `${why} ${tuple} ${icmp.type} ${icmp.code} ${icmp.id} ${told}`;
}

function draftOf({ first, ...counted }: Repeated, windowStart: number, windowEnd: number): Draft {
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
    ...counted,
    totalPackets: counted.packets,
    totalBytes: counted.bytes,
    totalReplyPackets: counted.replyPackets,
    totalReplyBytes: counted.replyBytes,
    replied: counted.replyPackets > 0,
    ...unremarkable,
    mark: first.mark,
    uid: first.uid,
    gid: first.gid,
    related: packet.about,
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

import type { Counters } from "../core/conntrack/entry.ts";
import { mirrors, type Tuple } from "../core/conntrack/tuple.ts";
import type { Nat, RawFlow } from "../core/records/flow.ts";
import { type Connection, difference } from "./connection.ts";

/** A record before it is numbered. */
export type Draft = Omit<RawFlow, "cluster" | "node" | "epoch" | "seq">;

/**
 * The time a record covers: the window, without what was before `startedAt` or after `endedAt`. What began after the
 * window's end, but before it was flushed, is in the record too. Microseconds.
 */
export function spanOf(
  startedAt: number,
  windowStart: number,
  endedAt: number,
): { readonly start: number; readonly end: number } {
  const end = Math.max(startedAt, endedAt);
  return { start: Math.min(Math.max(windowStart, startedAt), end), end };
}

/** What there is to tell of a connection since its last record. */
export function draftOf(connection: Connection, windowStart: number, windowEnd: number): Draft {
  const { original, reply, totals, reported = totals } = connection;
  return {
    ...spanOf(
      connection.startedAt,
      Math.min(windowStart, connection.countedFrom ?? windowStart),
      connection.closedAt ?? windowEnd,
    ),
    startedAt: connection.startedAt,
    state: connection.closedAt === null ? "open" : "closed",
    connection: connection.id,
    zone: connection.zone,
    protocol: original.protocol,
    sourceAddress: original.source,
    sourcePort: original.sourcePort,
    destinationAddress: reply.source,
    destinationPort: reply.sourcePort,
    icmp: original.icmpType < 0 ? null : { type: original.icmpType, code: original.icmpCode, id: original.icmpId },
    nat: mirrors(reply, original) ? null : natOf(original, reply),
    ...difference(totals, reported),
    ...totalsOf(totals),
    replied: connection.replied,
    endReason: connection.endReason,
    midstream: connection.midstream,
    uncounted: connection.uncounted,
    mark: connection.mark,
    uid: null,
    gid: null,
    related: connection.related,
    denied: null,
    reason: null,
    egressRule: connection.rules.egress,
    ingressRule: connection.rules.ingress,
    inInterface: null,
    outInterface: null,
    destinationDomain: connection.domain,
  };
}

/** What was told of a connection, by a record that ended at `toldAt`: nothing since. */
export function standingOf(connection: Connection, toldAt: number): Draft {
  const { reported = connection.totals } = connection;
  return { ...draftOf(connection, toldAt, toldAt), ...difference(reported, reported), ...totalsOf(reported) };
}

function natOf(original: Tuple, reply: Tuple): Nat {
  return {
    destinationAddress: original.destination,
    destinationPort: original.destinationPort,
    sourceAddress: reply.destination,
    sourcePort: reply.destinationPort,
  };
}

function totalsOf(totals: Counters) {
  return {
    totalPackets: totals.packets,
    totalBytes: totals.bytes,
    totalReplyPackets: totals.replyPackets,
    totalReplyBytes: totals.replyBytes,
  };
}

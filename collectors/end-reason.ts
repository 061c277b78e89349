import { type Entry, seenReply } from "../core/conntrack/entry.ts";
import type { EndReason } from "../core/records/flow.ts";

// enum tcp_conntrack, include/uapi/linux/netfilter/nf_conntrack_tcp.h; transitions in net/netfilter/nf_conntrack_proto_tcp.c
const tcp = { synSent: 1, synReceived: 2, lastAck: 6, timeWait: 7, close: 8, synSentByBoth: 9 } as const;
// enum sctp_conntrack, include/uapi/linux/netfilter/nf_conntrack_sctp.h; CLOSED is also where it begins
const sctp = { closed: 1, cookieWait: 2, cookieEchoed: 3, shutdownAckSent: 7 } as const;
const protocol = { tcp: 6, sctp: 132 } as const;

/** What is asked of a DESTROY. */
type Ended = Pick<Entry, "status" | "tcpState" | "sctpState" | "timeout" | "deletedBy"> & {
  readonly original: Pick<Entry["original"], "protocol">;
};

/** What became of a connection in the end, as far as the kernel tells. `replied`: something came back. */
export function endReasonOf(destroyed: Ended, replied: boolean): EndReason {
  return ownEndOf(destroyed, replied) ?? takenAwayBy(destroyed) ?? forgottenAs(destroyed, replied);
}

/** How the two ended it themselves, also if the kernel's memory of that was removed afterwards. */
function ownEndOf({ status, tcpState, sctpState, original }: Ended, replied: boolean): EndReason | undefined {
  // A reset that comes before anything else from there is not an answer for the kernel, which forgets the connection at once.
  if (tcpState === tcp.close) return (status & seenReply) === 0 ? "refused" : "reset";
  if (tcpState === tcp.timeWait || tcpState === tcp.lastAck) return "finished";
  if (original.protocol !== protocol.sctp || !replied) return undefined;
  return sctpState === sctp.closed || sctpState === sctp.shutdownAckSent ? "finished" : undefined;
}

/** The kernel tells how long an entry would have lasted if it goes before that. */
function takenAwayBy({ timeout, deletedBy }: Ended): EndReason | undefined {
  if (deletedBy !== 0) return "deleted";
  return timeout === null ? undefined : "removed";
}

function forgottenAs({ original, tcpState, sctpState }: Ended, replied: boolean): EndReason {
  const isHalfOpen =
    tcpState === tcp.synReceived ||
    tcpState === tcp.synSentByBoth ||
    sctpState === sctp.cookieWait ||
    sctpState === sctp.cookieEchoed;
  if (!replied) return "unanswered";
  if (isHalfOpen || tcpState === tcp.synSent) return "halfOpen";
  return original.protocol === protocol.tcp || original.protocol === protocol.sctp ? "timedOut" : "expired";
}

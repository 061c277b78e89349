import { AddressCache } from "../address-cache.ts";
import { Attributes } from "../netlink/attributes.ts";
import { messageFlag, portBefore } from "../netlink/message.ts";
import { netfilterHeaderBytes, netfilterType, subsystem } from "../netlink/netfilter.ts";
import type { LabelRules } from "../rule-id.ts";
import { LabelCache } from "./label-cache.ts";
import { decodeTuple, type Tuple } from "./tuple.ts";

// message => nfgenmsg attribute*      net/netfilter/nf_conntrack_netlink.c, ctnetlink_conntrack_event and ctnetlink_fill_info
//   CTA_TUPLE_ORIG, CTA_TUPLE_REPLY                   always
//   CTA_ID u32be, CTA_STATUS u32be, CTA_ZONE u16be    id and status always, zone where it is not 0
//   CTA_LABELS 16 bytes                               NEW and dumps, where a rule set any
//   CTA_COUNTERS_ORIG, CTA_COUNTERS_REPLY             dumps and DESTROY
//     => CTA_COUNTERS_PACKETS u64be CTA_COUNTERS_BYTES u64be
//   CTA_TIMESTAMP => start u64be [stop u64be]         dumps and DESTROY; wall-clock nanoseconds
//   CTA_TIMESTAMP_EVENT u64be                         events since Linux 6.14
//   CTA_PROTOINFO => CTA_PROTOINFO_TCP | CTA_PROTOINFO_SCTP
//     CTA_PROTOINFO_TCP  => CTA_PROTOINFO_TCP_STATE u8 [CTA_PROTOINFO_TCP_FLAGS_ORIGINAL CTA_PROTOINFO_TCP_FLAGS_REPLY]
//       flags => flags u8 mask u8                     not in DESTROY
//     CTA_PROTOINFO_SCTP => CTA_PROTOINFO_SCTP_STATE u8
//   CTA_TIMEOUT u32be seconds                         in DESTROY only if the entry went before its time (since Linux 5.11)
//   CTA_MARK u32be                                    where it is not 0
//   CTA_TUPLE_MASTER                                  of a connection that another one announced
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_PROTOINFO = 4;
const CTA_TIMEOUT = 7;
const CTA_MARK = 8;
const CTA_COUNTERS_ORIG = 9;
const CTA_COUNTERS_REPLY = 10;
const CTA_ID = 12;
const CTA_TUPLE_MASTER = 14;
const CTA_ZONE = 18;
const CTA_TIMESTAMP = 20;
const CTA_LABELS = 22;
const CTA_TIMESTAMP_EVENT = 27;

const CTA_COUNTERS_PACKETS = 1;
const CTA_COUNTERS_BYTES = 2;
const CTA_TIMESTAMP_START = 1;
const CTA_TIMESTAMP_STOP = 2;
const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_SCTP = 3;
const CTA_PROTOINFO_TCP_STATE = 1;
const CTA_PROTOINFO_TCP_FLAGS_ORIGINAL = 4;
const CTA_PROTOINFO_TCP_FLAGS_REPLY = 5;
const CTA_PROTOINFO_SCTP_STATE = 1;

const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_DELETE = 2;

/** IPS_SEEN_REPLY of include/uapi/linux/netfilter/nf_conntrack_common.h. */
export const seenReply = 1 << 1;

/** Counters that are larger read as this, as do sums of them: two can be added exactly, and Avro's long holds them. */
export const mostCounted = 2 ** 52;
/** The year 2200. A later time is none: it would not be exact in microseconds either. */
const latestHigh = 0x64c0_0000;

export type EntryKind = "new" | "update" | "destroy" | "dump";

/** What the kernel says of one connection. Times are microseconds since the epoch; null is what the message does not carry. */
export interface Entry {
  readonly kind: EntryKind;
  readonly id: number;
  readonly zone: number;
  readonly status: number;
  readonly original: Tuple;
  readonly reply: Tuple;
  readonly rules: LabelRules | null;
  readonly counters: Counters | null;
  readonly startedAt: number | null;
  readonly stoppedAt: number | null;
  /** When the kernel saw what this event reports. */
  readonly happenedAt: number | null;
  /** enum tcp_conntrack of nf_conntrack_tcp.h. */
  readonly tcpState: number | null;
  /** IP_CT_TCP_FLAG_* of nf_conntrack_tcp.h, by direction. */
  readonly tcpFlags: TcpFlags | null;
  /** enum sctp_conntrack of nf_conntrack_sctp.h. */
  readonly sctpState: number | null;
  /** Seconds until the entry expires; of DESTROY: would have expired. */
  readonly timeout: number | null;
  readonly mark: number;
  /** The connection that announced this one, as FTP's control connection does its data connections. */
  readonly master: Tuple | null;
  /** Netlink port of the program that deleted the entry; 0: the kernel itself did. */
  readonly deletedBy: number;
}

export interface TcpFlags {
  readonly original: number;
  readonly reply: number;
}

export interface Counters {
  packets: number;
  bytes: number;
  replyPackets: number;
  replyBytes: number;
}

/** Decodes the messages of one buffer, which is read into again and again. */
export class EntryDecoder {
  readonly #attributes: Attributes;
  readonly #addresses = new AddressCache();
  readonly #labels = new LabelCache();

  constructor(bytes: Uint8Array) {
    this.#attributes = new Attributes("conntrack", bytes);
  }

  /** The entry in a message's payload from `start` to `end`. Throws DECODE_FAILED, and nothing else. */
  decode(type: number, flags: number, start: number, end: number): Entry {
    const a = this.#attributes.reset(start + netfilterHeaderBytes, end);
    const kind = kindOf(type, flags);
    if (kind === undefined) a.fail(`a message of type ${type} is no entry`);
    return this.#read(a, kind ?? "update", kind === "destroy" ? portBefore(a.view, start) : 0);
  }

  #read(a: Attributes, kind: EntryKind, deletedBy: number): Entry {
    let id = -1;
    let zone = 0;
    let status = 0;
    let original: Tuple | undefined;
    let reply: Tuple | undefined;
    let rules: LabelRules | null = null;
    let counters: Counters | null = null;
    let startedAt: number | null = null;
    let stoppedAt: number | null = null;
    let happenedAt: number | null = null;
    let protocol = noInfo;
    let master: Tuple | null = null;
    let timeout: number | null = null;
    let mark = 0;
    while (a.next())
      switch (a.type) {
        case CTA_TUPLE_ORIG:
          original = decodeTuple(a.nested(), this.#addresses);
          break;
        case CTA_TUPLE_REPLY:
          reply = decodeTuple(a.nested(), this.#addresses);
          break;
        case CTA_ID:
          id = a.u32be();
          break;
        case CTA_STATUS:
          status = a.u32be();
          break;
        case CTA_ZONE:
          zone = a.u16be();
          break;
        case CTA_LABELS:
          if (a.has(16)) rules = this.#labels.rulesAt(a.view, a.bytes, a.start);
          break;
        case CTA_COUNTERS_ORIG:
          counters ??= { packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0 };
          decodeOriginalCounters(a.nested(), counters);
          break;
        case CTA_COUNTERS_REPLY:
          counters ??= { packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0 };
          decodeReplyCounters(a.nested(), counters);
          break;
        case CTA_TIMESTAMP: {
          const inner = a.nested();
          while (inner.next())
            if (inner.type === CTA_TIMESTAMP_START) startedAt = microseconds(inner);
            else if (inner.type === CTA_TIMESTAMP_STOP) stoppedAt = microseconds(inner);
          break;
        }
        case CTA_TIMESTAMP_EVENT:
          happenedAt = microseconds(a);
          break;
        case CTA_PROTOINFO:
          protocol = decodeProtocolInfo(a.nested());
          break;
        case CTA_TUPLE_MASTER:
          master = decodeTuple(a.nested(), this.#addresses);
          break;
        case CTA_TIMEOUT:
          timeout = a.u32be();
          break;
        case CTA_MARK:
          mark = a.u32be();
          break;
      }
    if (original === undefined || reply === undefined) a.fail("an entry without both tuples");
    else if (original.protocol !== reply.protocol) a.fail("an entry of two protocols");
    if (id < 0) a.fail("an entry without an id");
    a.finish();
    return {
      kind,
      id,
      zone: zone || (original as Tuple).zone,
      status,
      original: original as Tuple,
      reply: reply as Tuple,
      rules,
      counters,
      startedAt,
      stoppedAt,
      happenedAt,
      tcpState: protocol.tcpState,
      tcpFlags: protocol.tcpFlags,
      sctpState: protocol.sctpState,
      timeout,
      mark,
      master,
      deletedBy,
    };
  }
}

const newMessage = netfilterType(subsystem.conntrack, IPCTNL_MSG_CT_NEW);
const deleteMessage = netfilterType(subsystem.conntrack, IPCTNL_MSG_CT_DELETE);

function kindOf(type: number, flags: number): EntryKind | undefined {
  if (type === deleteMessage) return "destroy";
  if (type !== newMessage) return undefined;
  if (flags & messageFlag.multi) return "dump";
  return flags & messageFlag.create ? "new" : "update";
}

function decodeOriginalCounters(a: Attributes, counters: Counters): void {
  while (a.next())
    if (a.type === CTA_COUNTERS_PACKETS) counters.packets = counted(a);
    else if (a.type === CTA_COUNTERS_BYTES) counters.bytes = counted(a);
}

function decodeReplyCounters(a: Attributes, counters: Counters): void {
  while (a.next())
    if (a.type === CTA_COUNTERS_PACKETS) counters.replyPackets = counted(a);
    else if (a.type === CTA_COUNTERS_BYTES) counters.replyBytes = counted(a);
}

const counted = (a: Attributes) => Math.min(a.u64be(), mostCounted);

type ProtocolInfo = Pick<Entry, "tcpState" | "tcpFlags" | "sctpState">;

const noInfo: ProtocolInfo = { tcpState: null, tcpFlags: null, sctpState: null };

function decodeProtocolInfo(a: Attributes): ProtocolInfo {
  let info = noInfo;
  while (a.next())
    if (a.type === CTA_PROTOINFO_TCP) info = decodeTcp(a.nested());
    else if (a.type === CTA_PROTOINFO_SCTP) info = decodeSctp(a.nested());
  return info;
}

function decodeTcp(a: Attributes): ProtocolInfo {
  let tcpState: number | null = null;
  let original: number | null = null;
  let reply: number | null = null;
  while (a.next())
    if (a.type === CTA_PROTOINFO_TCP_STATE) tcpState = a.u8();
    else if (a.type === CTA_PROTOINFO_TCP_FLAGS_ORIGINAL) original = a.u16be() >> 8;
    else if (a.type === CTA_PROTOINFO_TCP_FLAGS_REPLY) reply = a.u16be() >> 8;
  const tcpFlags = original === null || reply === null ? null : { original, reply };
  return { tcpState, tcpFlags, sctpState: null };
}

function decodeSctp(a: Attributes): ProtocolInfo {
  let sctpState: number | null = null;
  while (a.next()) if (a.type === CTA_PROTOINFO_SCTP_STATE) sctpState = a.u8();
  return { tcpState: null, tcpFlags: null, sctpState };
}

/** Nanoseconds as microseconds, exactly: 2^32 ns are 4,294,967 µs and 296 ns, and the product stays below 2^53. */
function microseconds(a: Attributes): number {
  if (!a.has(8)) return 0;
  const high = a.view.getUint32(a.start);
  if (high >= latestHigh) a.fail("a time after the year 2200");
  const low = a.view.getUint32(a.start + 4);
  return high * 4_294_967 + Math.floor((high * 296 + low) / 1000);
}

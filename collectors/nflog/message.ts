import { Attributes } from "../../core/netlink/attributes.ts";
import { typeBefore } from "../../core/netlink/message.ts";
import { netfilterHeaderBytes, netfilterType, subsystem } from "../../core/netlink/netfilter.ts";
import { decodePacket, type PacketHeaders } from "./packet.ts";

// message => nfgenmsg attribute*     include/uapi/linux/netfilter/nfnetlink_log.h; net/netfilter/nfnetlink_log.c, __build_packet_message
//   NFULA_PACKET_HDR  => hw_protocol hook pad        hw_protocol => u16be, an EtherType    hook => u8
//   NFULA_TIMESTAMP   => seconds microseconds        each u64be; only where the packet carries a time
//   NFULA_MARK u32be where it is not 0, NFULA_UID u32be and NFULA_GID u32be where a local process sent it
//   NFULA_IFINDEX_INDEV, NFULA_IFINDEX_OUTDEV u32be, NFULA_SEQ u32be, NFULA_PREFIX text, NFULA_PAYLOAD packet
const NFULA_PACKET_HDR = 1;
const NFULA_MARK = 2;
const NFULA_TIMESTAMP = 3;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_IFINDEX_OUTDEV = 5;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;
const NFULA_UID = 11;
const NFULA_SEQ = 12;
const NFULA_GID = 14;

const NFULNL_MSG_PACKET = 0;

// ETH_P_IP and ETH_P_IPV6, include/uapi/linux/if_ether.h
const etherTypes: ReadonlySet<number> = new Set([0x0800, 0x86dd]);

const empty = new Uint8Array();

export interface LoggedPacket {
  readonly prefix: string;
  /** The netfilter hook, enum nf_inet_hooks. */
  readonly hook: number;
  /** Microseconds since the epoch. */
  readonly timestamp: number | null;
  /** Indexes of interfaces; 0 is none. */
  readonly inIndex: number;
  readonly outIndex: number;
  /** Counts the packets of the group, so that a gap counts the lost ones. */
  readonly sequence: number | null;
  readonly mark: number;
  /** User and group of the local process that sent it, where the kernel knows the socket. */
  readonly uid: number | null;
  readonly gid: number | null;
  /** Null: no IP, so logged by a rule of somebody else. */
  readonly packet: PacketHeaders | null;
}

/** Decodes the messages of one buffer, which is read into again and again. */
export class LogDecoder {
  readonly #attributes: Attributes;
  /** What was captured of the packet decoded last; valid until the buffer is read into again. */
  payload: Uint8Array = empty;

  constructor(bytes: Uint8Array) {
    this.#attributes = new Attributes("nflog", bytes);
  }

  /** The packet in a message's payload from `start` to `end`. Throws DECODE_FAILED, and nothing else. */
  decode(start: number, end: number): LoggedPacket {
    const a = this.#attributes.reset(start + netfilterHeaderBytes, end);
    const type = typeBefore(a.view, start);
    if (type !== packetMessage) a.fail(`a message of type ${type} is no packet`);
    let prefix = "";
    let hook = 0;
    let isIp = true;
    let timestamp: number | null = null;
    let inIndex = 0;
    let outIndex = 0;
    let sequence: number | null = null;
    let mark = 0;
    let uid: number | null = null;
    let gid: number | null = null;
    this.payload = empty;
    while (a.next())
      switch (a.type) {
        case NFULA_PACKET_HDR:
          if (!a.has(4)) break;
          hook = a.view.getUint8(a.start + 2);
          isIp = etherTypes.has(a.view.getUint16(a.start));
          break;
        case NFULA_MARK:
          mark = a.u32be();
          break;
        case NFULA_UID:
          uid = a.u32be();
          break;
        case NFULA_GID:
          gid = a.u32be();
          break;
        case NFULA_TIMESTAMP:
          timestamp = microseconds(a);
          break;
        case NFULA_IFINDEX_INDEV:
          inIndex = a.u32be();
          break;
        case NFULA_IFINDEX_OUTDEV:
          outIndex = a.u32be();
          break;
        case NFULA_PAYLOAD:
          this.payload = a.bytes.subarray(a.start, a.start + a.length);
          break;
        case NFULA_PREFIX:
          prefix = a.text();
          break;
        case NFULA_SEQ:
          sequence = a.u32be();
          break;
      }
    a.finish();
    const packet = isIp ? decodePacket(this.payload) : null;
    return { prefix, hook, timestamp, inIndex, outIndex, sequence, mark, uid, gid, packet };
  }
}

const packetMessage = netfilterType(subsystem.log, NFULNL_MSG_PACKET);
/** Seconds until the year 2200. A later time is none. */
const latestSeconds = 7_258_118_400;

function microseconds(a: Attributes): number | null {
  if (!a.has(16)) return null;
  const u64 = (offset: number) =>
    a.view.getUint32(a.start + offset) * 0x1_0000_0000 + a.view.getUint32(a.start + offset + 4);
  const [seconds, rest] = [u64(0), u64(8)];
  if (seconds < latestSeconds && rest < 1_000_000) return seconds * 1_000_000 + rest;
  a.fail(`${seconds} s and ${rest} µs are no time`);
  return null;
}

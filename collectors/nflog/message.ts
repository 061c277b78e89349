import { Attributes } from "../../core/netlink/attributes.ts";
import { netfilterHeaderBytes } from "../../core/netlink/netfilter.ts";
import { decodePacket, type PacketHeaders } from "./packet.ts";

// message => nfgenmsg attribute*     include/uapi/linux/netfilter/nfnetlink_log.h; net/netfilter/nfnetlink_log.c, __build_packet_message
//   NFULA_PACKET_HDR  => hw_protocol hook pad        hw_protocol => u16be    hook => u8
//   NFULA_TIMESTAMP   => seconds microseconds        each u64be; only where the packet carries a time
//   NFULA_IFINDEX_INDEV, NFULA_IFINDEX_OUTDEV u32be, NFULA_SEQ u32be, NFULA_PREFIX text, NFULA_PAYLOAD packet
const NFULA_PACKET_HDR = 1;
const NFULA_TIMESTAMP = 3;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_IFINDEX_OUTDEV = 5;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;
const NFULA_SEQ = 12;

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
  readonly packet: PacketHeaders;
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
    let prefix = "";
    let hook = 0;
    let timestamp: number | null = null;
    let inIndex = 0;
    let outIndex = 0;
    let sequence: number | null = null;
    this.payload = empty;
    while (a.next())
      switch (a.type) {
        case NFULA_PACKET_HDR:
          if (a.has(4)) hook = a.view.getUint8(a.start + 2);
          break;
        case NFULA_TIMESTAMP:
          if (a.has(16)) timestamp = microseconds(a.view, a.start);
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
    return { prefix, hook, timestamp, inIndex, outIndex, sequence, packet: decodePacket(this.payload) };
  }
}

function microseconds(view: DataView, at: number): number {
  const u64 = (offset: number) => view.getUint32(offset) * 0x1_0000_0000 + view.getUint32(offset + 4);
  return Math.min(u64(at) * 1_000_000 + u64(at + 8), Number.MAX_SAFE_INTEGER);
}

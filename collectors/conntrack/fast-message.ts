import { headerBytes, messageFlag } from "../../core/netlink/message.ts";
import { netfilterHeaderBytes, netfilterType, subsystem } from "../../core/netlink/netfilter.ts";

// What the kernel tells of TCP and UDP connections, read at the places where it writes it; core/conntrack/entry.ts has the grammar. A
// message of any other shape is not read here, and neither is a fault: EntryDecoder says what it is.
//
// Words are of 32 bits, and every attribute begins at one. The tuples come first, as ctnetlink_conntrack_event and
// ctnetlink_fill_info write them (net/netfilter/nf_conntrack_netlink.c):
//   word     0      1      2      3       4       5       6        7        8         9       10     11      12
//   IPv4     tuple  ip     V4_SRC source  V4_DST  dest.   proto    NUM      protocol  SRCPORT port   DSTPORT port
//   word     0      1      2      3-6     7       8-11    12       13       14        15      16     17      18
//   IPv6     tuple  ip     V6_SRC source  V6_DST  dest.   proto    NUM      protocol  SRCPORT port   DSTPORT port

const newMessage = netfilterType(subsystem.conntrack, 0);
const deleteMessage = netfilterType(subsystem.conntrack, 2);

const nested = 0x8000;
const header = (type: number, bytes: number) => (type << 16) | (4 + bytes) | 0;

const tupleBytes = { four: 48, six: 72 } as const;
const head = {
  original: { four: header(nested | 1, tupleBytes.four), six: header(nested | 1, tupleBytes.six) },
  reply: { four: header(nested | 2, tupleBytes.four), six: header(nested | 2, tupleBytes.six) },
  ip: { four: header(nested | 1, 16), six: header(nested | 1, 40) },
  source: { four: header(1, 4), six: header(3, 16) },
  destination: { four: header(2, 4), six: header(4, 16) },
  protocol: header(nested | 2, 24),
  number: header(1, 1),
  sourcePort: header(2, 2),
  destinationPort: header(3, 2),
  packets: header(1, 8),
  bytes: header(2, 8),
  start: header(1, 8),
  stop: header(2, 8),
  tcpState: header(1, 1),
} as const;
const tcp = 6;
const udp = 17;
const tcpInfo = 1;

/** Attributes, by number; the bit of each in what was seen. */
const CTA = { status: 3, info: 4, timeout: 7, mark: 8, original: 9, reply: 10, use: 11, id: 12, security: 19 } as const;
const CTA_TIMESTAMP = 20;
const CTA_LABELS = 22;
const CTA_TIMESTAMP_EVENT = 27;
const bit = (attribute: number) => 1 << attribute;
const always = bit(CTA.status) | bit(CTA.id);
const counters = bit(CTA.original) | bit(CTA.reply);
const ended = always | counters | bit(CTA_TIMESTAMP);

/** Above these an EntryDecoder cuts or refuses. */
const mostCountedHigh = 0x0010_0000;
const latestHigh = 0x64c0_0000;

export const fastKind = { none: 0, born: 1, dumped: 2, ended: 3 } as const;

/**
 * One message at a time, read into fields. Words of addresses and ports are as they stand in the message: network order, read
 * by a little-endian machine.
 */
export class FastMessage {
  /** One of `fastKind`. */
  kind = 0;
  id = 0;
  protocol = 0;
  isSix = false;
  /** Source and destination of both directions: 4 words, or 16. */
  readonly addresses = new Int32Array(16);
  /** Source port, destination port << 16. */
  originalPorts = 0;
  replyPorts = 0;
  status = 0;
  /** 0 where there is none. */
  tcpState = 0;
  hasTimeout = false;
  mark = 0;
  hasLabel = false;
  readonly label = new Int32Array(4);
  /** Packets and bytes, there and back. */
  readonly counters = new Float64Array(4);
  /** Microseconds; NaN where the message does not carry it. */
  startedAt = Number.NaN;
  stoppedAt = Number.NaN;
  happenedAt = Number.NaN;
  readonly #words: Int32Array;
  readonly #view: DataView;
  #seen = 0;

  /** Reads messages of one buffer, which must begin at a multiple of 4. */
  constructor(bytes: Uint8Array) {
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads the payload from `start` to `end`, behind a header; false if it is of another shape, and then fields mean nothing. */
  read(type: number, flags: number, start: number, end: number): boolean {
    this.kind = this.#kindOf(type, flags, start);
    if (this.kind === fastKind.none) return false;
    const word = (start + netfilterHeaderBytes) >> 2;
    const isSix = this.#words[word] === head.original.six;
    const last = word + 2 * ((isSix ? tupleBytes.six : tupleBytes.four) / 4 + 1);
    if (last << 2 > end || !(isSix ? this.#sixes(word) : this.#fours(word))) return false;
    this.isSix = isSix;
    return this.#rest(last << 2, end) && this.#isComplete();
  }

  #kindOf(type: number, flags: number, start: number): number {
    if (start < headerBytes) return fastKind.none;
    if (type === newMessage)
      return flags & messageFlag.multi ? fastKind.dumped : flags & messageFlag.create ? fastKind.born : fastKind.none;
    // Who deleted it stands in the header's port; of that an EntryDecoder tells.
    return type === deleteMessage && this.#words[(start >> 2) - 1] === 0 ? fastKind.ended : fastKind.none;
  }

  #fours(at: number): boolean {
    const w = this.#words;
    const reply = at + tupleBytes.four / 4 + 1;
    if (w[at] !== head.original.four || w[reply] !== head.reply.four) return false;
    if (!this.#isFour(at) || !this.#isFour(reply)) return false;
    const { addresses } = this;
    addresses[0] = w[at + 3] as number;
    addresses[1] = w[at + 5] as number;
    addresses[2] = w[reply + 3] as number;
    addresses[3] = w[reply + 5] as number;
    return this.#ends(at + 6, reply + 6);
  }

  #isFour(at: number): boolean {
    const w = this.#words;
    return w[at + 1] === head.ip.four && w[at + 2] === head.source.four && w[at + 4] === head.destination.four;
  }

  #sixes(at: number): boolean {
    const w = this.#words;
    const reply = at + tupleBytes.six / 4 + 1;
    if (w[reply] !== head.reply.six || !this.#isSix(at) || !this.#isSix(reply)) return false;
    for (let n = 0; n < 4; n++) {
      this.addresses[n] = w[at + 3 + n] as number;
      this.addresses[4 + n] = w[at + 8 + n] as number;
      this.addresses[8 + n] = w[reply + 3 + n] as number;
      this.addresses[12 + n] = w[reply + 8 + n] as number;
    }
    return this.#ends(at + 12, reply + 12);
  }

  /** Addresses that begin with zeros have texts of their own (`::ffff:10.0.0.1` is written as IPv4). */
  #isSix(at: number): boolean {
    const w = this.#words;
    return (
      w[at + 1] === head.ip.six &&
      w[at + 2] === head.source.six &&
      w[at + 7] === head.destination.six &&
      w[at + 3] !== 0 &&
      w[at + 8] !== 0
    );
  }

  /** Protocol and ports of both tuples. */
  #ends(original: number, reply: number): boolean {
    const w = this.#words;
    const protocol = w[original + 2] as number;
    this.protocol = protocol;
    this.originalPorts = this.#portsAt(original);
    this.replyPorts = this.#portsAt(reply);
    return (
      (protocol === tcp || protocol === udp) &&
      protocol === w[reply + 2] &&
      this.#hasPorts(original) &&
      this.#hasPorts(reply)
    );
  }

  #hasPorts(at: number): boolean {
    const w = this.#words;
    return (
      w[at] === head.protocol &&
      w[at + 1] === head.number &&
      w[at + 3] === head.sourcePort &&
      w[at + 5] === head.destinationPort &&
      (((w[at + 4] as number) | (w[at + 6] as number)) & 0xffff_0000) === 0
    );
  }

  #portsAt(at: number): number {
    return (this.#words[at + 4] as number) | ((this.#words[at + 6] as number) << 16);
  }

  /** What follows the tuples, each attribute at most once. */
  #rest(from: number, end: number): boolean {
    const words = this.#words;
    this.tcpState = this.mark = 0;
    this.hasLabel = this.hasTimeout = false;
    this.startedAt = this.stoppedAt = this.happenedAt = Number.NaN;
    let seen = 0;
    for (let at = from; at < end; ) {
      if (end - at < 4) return false;
      const word = words[at >> 2] as number;
      const length = word & 0xffff;
      const type = (word >>> 16) & 0x3fff;
      if (length < 4 || length > end - at || type > 31 || seen & bit(type)) return false;
      seen |= bit(type);
      if (!this.#take(type, length, at + 4)) return false;
      at += (length + 3) & ~3;
    }
    this.#seen = seen;
    return true;
  }

  #take(type: number, length: number, at: number): boolean {
    const view = this.#view;
    switch (type) {
      case CTA.status:
        this.status = view.getUint32(at);
        return length === 8;
      case CTA.id:
        this.id = view.getUint32(at);
        return length === 8;
      case CTA.timeout:
        this.hasTimeout = true;
        return length === 8;
      case CTA.mark:
        this.mark = view.getUint32(at);
        return length === 8;
      case CTA.original:
        return length === 28 && this.#count(at, 0);
      case CTA.reply:
        return length === 28 && this.#count(at, 2);
      case CTA_TIMESTAMP:
        return this.#times(length, at);
      case CTA_TIMESTAMP_EVENT:
        this.happenedAt = this.#microseconds(at);
        return length === 12 && view.getUint32(at) < latestHigh;
      case CTA_LABELS:
        return length === 20 && this.#labelled(at);
      case CTA.info:
        return this.#info(length, at);
      case CTA.use:
      case CTA.security:
        return true;
    }
    return false;
  }

  #count(at: number, index: number): boolean {
    const view = this.#view;
    const words = this.#words;
    const packetsHigh = view.getUint32(at + 4);
    const bytesHigh = view.getUint32(at + 16);
    this.counters[index] = packetsHigh * 0x1_0000_0000 + view.getUint32(at + 8);
    this.counters[index + 1] = bytesHigh * 0x1_0000_0000 + view.getUint32(at + 20);
    const fits = packetsHigh < mostCountedHigh && bytesHigh < mostCountedHigh;
    return fits && words[at >> 2] === head.packets && words[(at >> 2) + 3] === head.bytes;
  }

  #times(length: number, at: number): boolean {
    if (length !== 16 && length !== 28) return false;
    if (this.#words[at >> 2] !== head.start || this.#view.getUint32(at + 4) >= latestHigh) return false;
    this.startedAt = this.#microseconds(at + 4);
    if (length === 16) return true;
    this.stoppedAt = this.#microseconds(at + 16);
    return this.#words[(at + 12) >> 2] === head.stop && this.#view.getUint32(at + 16) < latestHigh;
  }

  #labelled(at: number): boolean {
    for (let n = 0; n < 4; n++) this.label[n] = this.#words[(at >> 2) + n] as number;
    this.hasLabel = true;
    return true;
  }

  /** Of TCP only: the state comes first. */
  #info(length: number, at: number): boolean {
    if (length < 16 || this.protocol !== tcp) return false;
    const inner = this.#words[at >> 2] as number;
    if ((inner & 0xffff) !== length - 4 || ((inner >>> 16) & 0x3fff) !== tcpInfo) return false;
    this.tcpState = this.#view.getUint8(at + 8);
    return this.#words[(at + 4) >> 2] === head.tcpState && this.#isTcpInfo(at + 12, at + length - 4);
  }

  /** Window scales and flags, of which nothing is asked here, or nothing. */
  #isTcpInfo(from: number, end: number): boolean {
    for (let at = from; at < end; ) {
      const length = end - at < 4 ? 0 : (this.#words[at >> 2] as number) & 0xffff;
      const type = length === 0 ? 0 : ((this.#words[at >> 2] as number) >>> 16) & 0x3fff;
      if (type < 2 || type > 5 || length !== (type < 4 ? 5 : 6)) return false;
      at += 8;
    }
    return true;
  }

  #microseconds(at: number): number {
    const high = this.#view.getUint32(at);
    return high * 4_294_967 + Math.floor((high * 296 + this.#view.getUint32(at + 4)) / 1000);
  }

  #isComplete(): boolean {
    const { kind } = this;
    if (this.protocol === tcp && this.tcpState === 0) return false;
    if (kind === fastKind.born) return (this.#seen & (always | counters | bit(CTA_TIMESTAMP))) === always;
    // Who is told by a dump has no time of its own, and no end; and an end carries no label.
    if (kind === fastKind.dumped)
      return (this.#seen & ended) === ended && Number.isNaN(this.happenedAt) && Number.isNaN(this.stoppedAt);
    return (this.#seen & ended) === ended && !this.hasLabel;
  }
}

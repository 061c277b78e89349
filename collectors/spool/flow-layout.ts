import { type Address, addressFromBytes, addressToBytes } from "../../core/address.ts";
import { AddressCache } from "../../core/address-cache.ts";
import { SluiceError } from "../../core/errors.ts";
import {
  type Direction,
  type EndReason,
  endReasons,
  type Icmp,
  type Nat,
  type RawFlow,
  type Related,
} from "../../core/records/flow.ts";
import type { RuleId } from "../../core/rule-id.ts";

// A layout of our own, since the Avro codec takes several times as long. Little-endian; what stands in brackets is there
// if its flag is set. cluster, node and epoch stand in the segment's header, seq in the frame.
//
// flow => version u8   protocol u8   zone u16   flags u32   sourcePort u16   destinationPort u16   connection u32
//         start end startedAt   packets bytes replyPackets replyBytes
//         totalPackets totalBytes totalReplyPackets totalReplyBytes, each f64
//         source destination   [icmp: type i16 code i16 id i32]
//         [nat: destination source, destinationPort u16 sourcePort u16]
//         [reason]   [egressRule]   [ingressRule]   [inInterface]   [outInterface]   [endReason u8]   [mark u32]   [uid u32]   [gid u32]
//         [related: source destination, each 16 bytes, sourcePort u16 destinationPort u16 protocol u8]   [destinationDomain]
//   addresses => 4 bytes, or 16 if their flag is set     rules => 8 bytes     texts => length u16, UTF-8
//   f64: every integer that a record can hold is exact in it, and it is written in one step
export const flowVersion = 1;
export const flowFixedBytes = 16 + 11 * 8;

export const flowFlag = {
  closed: 1 << 0,
  denied: 1 << 1,
  replied: 1 << 2,
  connection: 1 << 3,
  egressDenied: 1 << 4,
  ingressDenied: 1 << 5,
  nat: 1 << 6,
  icmp: 1 << 7,
  egressRule: 1 << 8,
  ingressRule: 1 << 9,
  reason: 1 << 10,
  inInterface: 1 << 11,
  outInterface: 1 << 12,
  sourceSix: 1 << 13,
  destinationSix: 1 << 14,
  natDestinationSix: 1 << 15,
  natSourceSix: 1 << 16,
  endReason: 1 << 17,
  midstream: 1 << 18,
  uncounted: 1 << 19,
  mark: 1 << 20,
  uid: 1 << 21,
  gid: 1 << 22,
  related: 1 << 23,
  destinationDomain: 1 << 24,
} as const;

/** A record without what its segment's header and its frame say. */
export type FlowContent = Omit<RawFlow, "cluster" | "node" | "epoch" | "seq">;

const dot = ".".charCodeAt(0);
const colon = ":".charCodeAt(0);
const zero = "0".charCodeAt(0);

/** Writes flows into one buffer. */
export class FlowEncoder {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;
  #flags = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Writes a flow at `start`; where it ends. Throws RangeError if the buffer ends before it. */
  encode(flow: FlowContent, start: number): number {
    this.#flags = 0;
    this.#at = start + flowFixedBytes;
    this.#address(flow.sourceAddress, flowFlag.sourceSix);
    this.#address(flow.destinationAddress, flowFlag.destinationSix);
    if (flow.icmp !== null) this.#icmp(flow.icmp);
    if (flow.nat !== null) this.#nat(flow.nat);
    this.#text(flow.reason, flowFlag.reason);
    this.#rule(flow.egressRule, flowFlag.egressRule);
    this.#rule(flow.ingressRule, flowFlag.ingressRule);
    this.#text(flow.inInterface, flowFlag.inInterface);
    this.#text(flow.outInterface, flowFlag.outInterface);
    if (flow.endReason !== null) this.#endReason(flow.endReason);
    this.#word(flow.mark === 0 ? null : flow.mark, flowFlag.mark);
    this.#word(flow.uid, flowFlag.uid);
    this.#word(flow.gid, flowFlag.gid);
    if (flow.related !== null) this.#related(flow.related);
    this.#text(flow.destinationDomain, flowFlag.destinationDomain);
    this.#fixed(flow, start);
    return this.#at;
  }

  #fixed(flow: FlowContent, at: number): void {
    const view = this.#view;
    view.setUint8(at, flowVersion);
    view.setUint8(at + 1, flow.protocol);
    view.setUint16(at + 2, flow.zone, true);
    view.setUint32(at + 4, this.#flags | plainFlags(flow), true);
    view.setUint16(at + 8, flow.sourcePort, true);
    view.setUint16(at + 10, flow.destinationPort, true);
    view.setUint32(at + 12, flow.connection ?? 0, true);
    view.setFloat64(at + 16, flow.start, true);
    view.setFloat64(at + 24, flow.end, true);
    view.setFloat64(at + 32, flow.startedAt, true);
    view.setFloat64(at + 40, flow.packets, true);
    view.setFloat64(at + 48, flow.bytes, true);
    view.setFloat64(at + 56, flow.replyPackets, true);
    view.setFloat64(at + 64, flow.replyBytes, true);
    view.setFloat64(at + 72, flow.totalPackets, true);
    view.setFloat64(at + 80, flow.totalBytes, true);
    view.setFloat64(at + 88, flow.totalReplyPackets, true);
    view.setFloat64(at + 96, flow.totalReplyBytes, true);
  }

  #nat(nat: Nat): void {
    this.#flags |= flowFlag.nat;
    this.#address(nat.destinationAddress, flowFlag.natDestinationSix);
    this.#address(nat.sourceAddress, flowFlag.natSourceSix);
    this.#view.setUint16(this.#at, nat.destinationPort, true);
    this.#view.setUint16(this.#at + 2, nat.sourcePort, true);
    this.#at += 4;
  }

  #icmp(icmp: Icmp): void {
    this.#flags |= flowFlag.icmp;
    this.#view.setInt16(this.#at, icmp.type, true);
    this.#view.setInt16(this.#at + 2, icmp.code, true);
    this.#view.setInt32(this.#at + 4, icmp.id, true);
    this.#at += 8;
  }

  #endReason(reason: EndReason): void {
    this.#flags |= flowFlag.endReason;
    this.#view.setUint8(this.#at++, endReasons.indexOf(reason));
  }

  #word(value: number | null, present: number): void {
    if (value === null) return;
    this.#flags |= present;
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #related({ sourceAddress, sourcePort, destinationAddress, destinationPort, protocol }: Related): void {
    this.#flags |= flowFlag.related;
    this.#view.setUint8(this.#at + 36, protocol); // set would stop at the buffer's end with another error
    this.#bytes.set(addressToBytes(sourceAddress), this.#at);
    this.#bytes.set(addressToBytes(destinationAddress), this.#at + 16);
    this.#view.setUint16(this.#at + 32, sourcePort, true);
    this.#view.setUint16(this.#at + 34, destinationPort, true);
    this.#at += 37;
  }

  /** An address is canonical, so that its digits can be believed: no check is needed, and IPv4 is read while it is written. */
  #address(address: Address, six: number): void {
    const start = this.#at;
    let part = 0;
    for (let i = 0; i < address.length; i++) {
      const character = address.charCodeAt(i);
      if (character === dot) {
        this.#view.setUint8(this.#at++, part);
        part = 0;
      } else if (character === colon || character > zero + 9) {
        this.#at = start;
        this.#flags |= six;
        this.#bytes.set(addressToBytes(address), start);
        this.#at = start + 16;
        return;
      } else part = part * 10 + character - zero;
    }
    this.#view.setUint8(this.#at++, part);
  }

  #rule(rule: RuleId | null, present: number): void {
    if (rule === null) return;
    this.#flags |= present;
    this.#view.setUint8(this.#at + 7, 0); // write would stop at the buffer's end in silence
    this.#bytes.write(rule, this.#at, 8, "hex");
    this.#at += 8;
  }

  #text(text: string | null, present: number): void {
    if (text === null) return;
    this.#flags |= present;
    const length = Buffer.byteLength(text);
    if (this.#at + 2 + length > this.#bytes.length) throw new RangeError("the buffer ends within a text");
    this.#view.setUint16(this.#at, length, true);
    this.#bytes.write(text, this.#at + 2, length, "utf8");
    this.#at += 2 + length;
  }
}

function plainFlags({ state, replied, midstream, uncounted, connection, denied }: FlowContent): number {
  return (
    (state === "closed" ? flowFlag.closed : state === "denied" ? flowFlag.denied : 0) |
    (replied ? flowFlag.replied : 0) |
    (midstream ? flowFlag.midstream : 0) |
    (uncounted ? flowFlag.uncounted : 0) |
    (connection === null ? 0 : flowFlag.connection) |
    (denied === "egress" ? flowFlag.egressDenied : denied === "ingress" ? flowFlag.ingressDenied : 0)
  );
}

/** Reads flows from payloads of any buffer. */
export class FlowDecoder {
  readonly #addresses = new AddressCache();
  #bytes: Buffer = Buffer.alloc(0);
  #flags = 0;
  #at = 0;
  #end = 0;

  /** Throws DECODE_FAILED, and nothing else, for bytes that are no flow. */
  decode(bytes: Buffer, start: number, end: number): FlowContent {
    if (end - start < flowFixedBytes || end > bytes.length || bytes[start] !== flowVersion) throw failed(start, end);
    this.#bytes = bytes;
    this.#end = end;
    this.#at = start + flowFixedBytes;
    this.#flags = bytes.readUInt32LE(start + 4);
    const flow = this.#flow(start);
    if (this.#at !== end) throw failed(start, end);
    return flow;
  }

  #flow(at: number): FlowContent {
    const bytes = this.#bytes;
    return {
      start: bytes.readDoubleLE(at + 16),
      end: bytes.readDoubleLE(at + 24),
      startedAt: bytes.readDoubleLE(at + 32),
      state: this.#has(flowFlag.closed) ? "closed" : this.#has(flowFlag.denied) ? "denied" : "open",
      connection: this.#has(flowFlag.connection) ? bytes.readUInt32LE(at + 12) : null,
      zone: bytes.readUInt16LE(at + 2),
      protocol: bytes[at + 1] as number,
      sourceAddress: this.#address(flowFlag.sourceSix),
      sourcePort: bytes.readUInt16LE(at + 8),
      destinationAddress: this.#address(flowFlag.destinationSix),
      destinationPort: bytes.readUInt16LE(at + 10),
      icmp: this.#has(flowFlag.icmp) ? this.#icmp() : null,
      nat: this.#has(flowFlag.nat) ? this.#nat() : null,
      packets: bytes.readDoubleLE(at + 40),
      bytes: bytes.readDoubleLE(at + 48),
      replyPackets: bytes.readDoubleLE(at + 56),
      replyBytes: bytes.readDoubleLE(at + 64),
      totalPackets: bytes.readDoubleLE(at + 72),
      totalBytes: bytes.readDoubleLE(at + 80),
      totalReplyPackets: bytes.readDoubleLE(at + 88),
      totalReplyBytes: bytes.readDoubleLE(at + 96),
      replied: this.#has(flowFlag.replied),
      denied: this.#denied(),
      reason: this.#text(flowFlag.reason),
      egressRule: this.#rule(flowFlag.egressRule),
      ingressRule: this.#rule(flowFlag.ingressRule),
      inInterface: this.#text(flowFlag.inInterface),
      outInterface: this.#text(flowFlag.outInterface),
      endReason: this.#has(flowFlag.endReason) ? this.#endReason() : null,
      midstream: this.#has(flowFlag.midstream),
      uncounted: this.#has(flowFlag.uncounted),
      mark: this.#word(flowFlag.mark) ?? 0,
      uid: this.#word(flowFlag.uid),
      gid: this.#word(flowFlag.gid),
      related: this.#has(flowFlag.related) ? this.#related() : null,
      destinationDomain: this.#text(flowFlag.destinationDomain),
    };
  }

  #has(one: number): boolean {
    return (this.#flags & one) !== 0;
  }

  #denied(): Direction | null {
    return this.#has(flowFlag.egressDenied) ? "egress" : this.#has(flowFlag.ingressDenied) ? "ingress" : null;
  }

  #endReason(): EndReason {
    return endReasons[this.#bytes[this.#take(1)] as number] ?? "unseen";
  }

  #word(present: number): number | null {
    return this.#has(present) ? this.#bytes.readUInt32LE(this.#take(4)) : null;
  }

  #related(): Related {
    const at = this.#take(37);
    return {
      protocol: this.#bytes[at + 36] as number,
      sourceAddress: addressFromBytes(this.#bytes, at, 16),
      sourcePort: this.#bytes.readUInt16LE(at + 32),
      destinationAddress: addressFromBytes(this.#bytes, at + 16, 16),
      destinationPort: this.#bytes.readUInt16LE(at + 34),
    };
  }

  #nat(): Nat {
    const destinationAddress = this.#address(flowFlag.natDestinationSix);
    const sourceAddress = this.#address(flowFlag.natSourceSix);
    const at = this.#take(4);
    return {
      destinationAddress,
      destinationPort: this.#bytes.readUInt16LE(at),
      sourceAddress,
      sourcePort: this.#bytes.readUInt16LE(at + 2),
    };
  }

  #icmp(): Icmp {
    const at = this.#take(8);
    const bytes = this.#bytes;
    return { type: bytes.readInt16LE(at), code: bytes.readInt16LE(at + 2), id: bytes.readInt32LE(at + 4) };
  }

  #address(six: number): Address {
    if (this.#has(six)) return addressFromBytes(this.#bytes, this.#take(16), 16);
    return this.#addresses.ipv4(this.#bytes.readUInt32BE(this.#take(4)));
  }

  #rule(present: number): RuleId | null {
    if (!this.#has(present)) return null;
    const at = this.#take(8);
    return this.#bytes.toString("hex", at, at + 8) as RuleId;
  }

  #text(present: number): string | null {
    if (!this.#has(present)) return null;
    const length = this.#bytes.readUInt16LE(this.#take(2));
    const at = this.#take(length);
    return this.#bytes.toString("utf8", at, at + length);
  }

  /** Moves on by so many bytes; where they begin. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#end) throw failed(at, this.#end);
    this.#at += count;
    return at;
  }
}

function failed(start: number, end: number): SluiceError {
  return new SluiceError("DECODE_FAILED", `spool: ${end - start} bytes that are no flow of layout ${flowVersion}`);
}

import { type Address, addressFromBytes, addressToBytes, familyOf } from "../../../core/address.ts";
import type { Packet } from "../../../policy/verdict.ts";

// The first packet of a connection, as a well-behaved host sends it, so that conntrack takes it for one wherever it can be one.
// Its number is where routers leave it alone: the IPv4 identification (RFC 791), the low bits of the IPv6 flow label (RFC 8200).
// Checksums of transports are not right: nobody looks at them before a verdict (node.ts has conntrack leave them alone).
const hopLimit = 64;
const offsets = { number4: 4, number6: 2, source4: 12, source6: 8 } as const;

export const lastNumber = 65_535;

/** `number` is from 1 to `lastNumber`: the kernel puts one of its own in the place of 0. DSCP as RFC 2474 has it. */
export function bytesOf(packet: Packet, number: number, dscp = 0): Buffer {
  const six = familyOf(packet.destination) === 6;
  const [source, destination] = [addressBytes(packet.source), addressBytes(packet.destination)];
  const transport = transportOf(packet);
  const header = six ? header6(packet, number, transport.length) : header4(packet, number, transport.length);
  if (six) header.writeUInt16BE(header.readUInt16BE(0) | (dscp << 6), 0);
  else header.writeUInt8(dscp << 2, 1);
  header.set(source, header.length - 2 * source.length);
  header.set(destination, header.length - destination.length);
  if (!six) header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, transport]);
}

/** The number in the bytes of a packet that a node sent on. */
export function numberIn(bytes: Uint8Array): number {
  const at = isSix(bytes) ? offsets.number6 : offsets.number4;
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The addresses in the bytes of a packet. */
export function endsIn(bytes: Uint8Array): { readonly source: Address; readonly destination: Address } {
  const [at, length] = isSix(bytes) ? ([offsets.source6, 16] as const) : ([offsets.source4, 4] as const);
  return { source: addressFromBytes(bytes, at, length), destination: addressFromBytes(bytes, at + length, length) };
}

/** 4 or 16 bytes in network order. */
export function addressBytes(address: Address): Uint8Array {
  return familyOf(address) === 4 ? addressToBytes(address).subarray(12) : addressToBytes(address);
}

function isSix(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) >> 4 === 6;
}

function header4({ protocol }: Packet, number: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payloadBytes, 2);
  header.writeUInt16BE(number, offsets.number4);
  header.writeUInt8(hopLimit, 8);
  header.writeUInt8(protocol, 9);
  return header;
}

function header6({ protocol }: Packet, number: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32BE((0x60000000 | number) >>> 0, 0);
  header.writeUInt16BE(payloadBytes, 4);
  header.writeUInt8(protocol, 6);
  header.writeUInt8(hopLimit, 7);
  return header;
}

/** RFC 1071, of a header whose checksum field is zero. */
function internetChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function transportOf(packet: Packet): Buffer {
  switch (packet.protocol) {
    case 1:
    case 58:
      return icmp(packet);
    case 6:
      return tcp(packet);
    case 17:
    case 136:
      return udp(packet);
    case 132:
      return sctp(packet);
    default:
      return Buffer.alloc(16);
  }
}

// type code checksum:u16be id:u16be sequence:u16be, then zeros: enough for a message that quotes a packet to quote nothing
function icmp({ icmp: message }: Packet): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt8(message?.type ?? 0, 0);
  bytes.writeUInt8(message?.code ?? 0, 1);
  bytes.writeUInt16BE(1, 4);
  return bytes;
}

// source:u16be destination:u16be sequence:u32be acknowledgement:u32be offset:4 flags window:u16be checksum:u16be urgent:u16be
function tcp(packet: Packet): Buffer {
  const bytes = withPorts(packet, 20);
  const syn = 0x02;
  bytes.writeUInt32BE(1, 4);
  bytes.writeUInt8(5 << 4, 12);
  bytes.writeUInt8(syn, 13);
  bytes.writeUInt16BE(64_240, 14);
  return bytes;
}

// source:u16be destination:u16be length:u16be checksum:u16be; UDP-Lite has what its checksum covers in the place of the length, and
// never goes without one (RFC 3828)
function udp(packet: Packet): Buffer {
  const bytes = withPorts(packet, 8);
  bytes.writeUInt16BE(8, 4);
  bytes.writeUInt16BE(1, 6);
  return bytes;
}

// source:u16be destination:u16be tag:u32be checksum:u32le, then a chunk INIT: type flags length:u16be tag:u32be window:u32be
// out:u16be in:u16be sequence:u32be (RFC 9260)
function sctp(packet: Packet): Buffer {
  const bytes = withPorts(packet, 32);
  bytes.writeUInt8(1, 12);
  bytes.writeUInt16BE(20, 14);
  bytes.writeUInt32BE(1, 16);
  bytes.writeUInt32BE(65_536, 20);
  bytes.writeUInt16BE(1, 24);
  bytes.writeUInt16BE(1, 26);
  bytes.writeUInt32BE(1, 28);
  return bytes;
}

function withPorts({ sourcePort, destinationPort }: Packet, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(sourcePort, 0);
  bytes.writeUInt16BE(destinationPort, 2);
  return bytes;
}

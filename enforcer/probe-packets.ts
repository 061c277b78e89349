import { type Address, addressFromBytes, addressToBytes } from "../core/address.ts";

// UDP in IPv4 (RFC 768, RFC 791) as far as a probe needs it: no options, no fragments, no checksum of UDP (0: none was made).
// header => 0x45 tos length:u16be id:u16be fragment:u16be ttl protocol checksum:u16be source:4 destination:4      20 bytes
// udp    => sourcePort:u16be destinationPort:u16be length:u16be checksum:u16be payload                             8 bytes
const [headerBytes, udpBytes] = [20, 8];
const UDP = 17;
// Forwarding takes one of them, and what comes back by mistake ends soon.
const hops = 2;

export interface Datagram {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

export function encodeDatagram({ source, destination, sourcePort, destinationPort, payload }: Datagram): Buffer {
  const packet = Buffer.alloc(headerBytes + udpBytes + payload.length);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt8(hops, 8);
  packet.writeUInt8(UDP, 9);
  packet.set(lastFour(source), 12);
  packet.set(lastFour(destination), 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, headerBytes)), 10);
  packet.writeUInt16BE(sourcePort, headerBytes);
  packet.writeUInt16BE(destinationPort, headerBytes + 2);
  packet.writeUInt16BE(udpBytes + payload.length, headerBytes + 4);
  packet.set(payload, headerBytes + udpBytes);
  return packet;
}

/** Undefined for what is no UDP in IPv4. */
export function decodeDatagram(packet: Uint8Array): Datagram | undefined {
  const bytes = Buffer.from(packet);
  const at = ((bytes[0] ?? 0) & 0xf) * 4;
  if ((bytes[0] ?? 0) >> 4 !== 4 || at < headerBytes || bytes.length < at + udpBytes || bytes[9] !== UDP)
    return undefined;
  return {
    source: addressFromBytes(bytes, 12, 4),
    destination: addressFromBytes(bytes, 16, 4),
    sourcePort: bytes.readUInt16BE(at),
    destinationPort: bytes.readUInt16BE(at + 2),
    payload: bytes.subarray(at + udpBytes),
  };
}

export function lastFour(address: Address): Uint8Array {
  return addressToBytes(address).subarray(12);
}

/** RFC 1071. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

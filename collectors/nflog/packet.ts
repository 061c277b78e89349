import { type Address, addressFromBytes } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import type { Icmp, Related } from "../../core/records/flow.ts";

// packet => ipv4 transport | ipv6 extension* transport; cut off after the copy range of NFLOG
//
// ipv4 (RFC 791)  => version:4 ihl:4  tos  length:u16be  id:u16be  flags:3 fragment:13  ttl  protocol  checksum:u16be
//                    source:4 bytes  destination:4 bytes  options
// ipv6 (RFC 8200) => version:4 class:8 label:20  length:u16be  next  hops  source:16 bytes  destination:16 bytes
// extension       => next length ...       of (length + 1) * 8 bytes; fragment headers of 8; AH of (length + 2) * 4 (RFC 4302)
// transport       => sourcePort:u16be destinationPort:u16be ...   | ICMP: type code checksum:u16be id:u16be
//                    | ICMP error: type code checksum:u16be unused:4 bytes packet, the begin of that which it is about
// jumbo (RFC 2675) => 0xc2 4 length:u32be       an option of a hop-by-hop header; large packets that the kernel put together have it
const protocols = { icmp: 1, tcp: 6, udp: 17, dccp: 33, icmpv6: 58, sctp: 132, udplite: 136 } as const;
const extensions = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
  mobility: 135,
} as const;
const withPorts: ReadonlySet<number> = new Set([
  protocols.tcp,
  protocols.udp,
  protocols.dccp,
  protocols.sctp,
  protocols.udplite,
]);

export interface PacketHeaders {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** 0 where the protocol has none, or the packet is a later fragment, or the capture ends before them. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly icmp: Icmp | null;
  /** What an ICMP error is about, as far as it was captured. */
  readonly about: Related | null;
  /** Length of the IP packet, header included. */
  readonly bytes: number;
}

/** Where the transport header begins and which it is; `first` is false for later fragments, which have none. */
interface Transport {
  readonly protocol: number;
  readonly at: number;
  readonly first: boolean;
}

/** Reads the headers of a captured packet. Throws DECODE_FAILED unless the whole IP header is there. */
export function decodePacket(packet: Uint8Array): PacketHeaders {
  const headers = tryDecode(packet);
  if (headers === undefined) throw new SluiceError("DECODE_FAILED", `nflog: ${wordsFor(packet)}`);
  const { source, destination, bytes, transport } = headers;
  const { protocol, sourcePort, destinationPort, icmp } = decodeTransport(packet, transport);
  const about = icmp === null ? null : decodeAbout(packet, transport);
  return { source, destination, bytes, protocol, sourcePort, destinationPort, icmp, about };
}

function wordsFor(packet: Uint8Array): string {
  const version = at8(packet, 0) >> 4;
  if (version === 4 && packet.length >= 20) return `an IPv4 header of ${(at8(packet, 0) & 0xf) * 4} bytes`;
  return `${packet.length} bytes of IP version ${version} are no packet`;
}

type Headers = Pick<PacketHeaders, "source" | "destination" | "bytes"> & { readonly transport: Transport };

function tryDecode(packet: Uint8Array): Headers | undefined {
  const version = at8(packet, 0) >> 4;
  if (version === 4 && packet.length >= 20) return decodeIpv4(packet);
  return version === 6 && packet.length >= 40 ? decodeIpv6(packet) : undefined;
}

/** Where the transport header of a captured packet begins; undefined for a later fragment, and where the capture ends before it. */
export function transportOf(packet: Uint8Array): { readonly protocol: number; readonly at: number } | undefined {
  const transport = tryDecode(packet)?.transport;
  return transport?.first === true && transport.at < packet.length ? transport : undefined;
}

function decodeIpv4(packet: Uint8Array): Headers | undefined {
  const headerBytes = (at8(packet, 0) & 0xf) * 4;
  if (headerBytes < 20) return undefined;
  // A length of 0 is that of a packet above 64 KiB that the kernel put together: it is not told.
  const bytes = at16(packet, 2) || packet.length;
  const transport = { protocol: at8(packet, 9), at: headerBytes, first: (at16(packet, 6) & 0x1fff) === 0 };
  return { source: addressFromBytes(packet, 12, 4), destination: addressFromBytes(packet, 16, 4), bytes, transport };
}

function decodeIpv6(packet: Uint8Array): Headers {
  const source = addressFromBytes(packet, 8, 16);
  const destination = addressFromBytes(packet, 24, 16);
  const payloadBytes = at16(packet, 4) || jumboBytes(packet);
  const bytes = payloadBytes === 0 ? packet.length : 40 + payloadBytes;
  return { source, destination, bytes, transport: skipExtensions(packet) };
}

const jumboOption = 0xc204;

/** The length of a jumbogram; 0 if it is none, or its option is not the first. */
function jumboBytes(packet: Uint8Array): number {
  const isFirst = at8(packet, 6) === extensions.hopByHop && at16(packet, 42) === jumboOption;
  return isFirst ? at16(packet, 44) * 0x1_0000 + at16(packet, 46) : 0;
}

/** Passes over extension headers, as far as they were captured. */
function skipExtensions(packet: Uint8Array): Transport {
  let protocol = at8(packet, 6);
  let at = 40;
  let first = true;
  for (;;) {
    const length = extensionBytes(packet, protocol, at);
    if (length === undefined || at + 2 > packet.length) return { protocol, at, first };
    if (protocol === extensions.fragment && at16(packet, at + 2) >> 3 !== 0) first = false;
    protocol = at8(packet, at);
    at += length;
    if (!first) return { protocol, at, first };
  }
}

/** Length of the extension header, or undefined if this protocol is none. */
function extensionBytes(packet: Uint8Array, protocol: number, at: number): number | undefined {
  switch (protocol) {
    case extensions.hopByHop:
    case extensions.routing:
    case extensions.destination:
    case extensions.mobility:
      return (at8(packet, at + 1) + 1) * 8;
    case extensions.fragment:
      return 8;
    case extensions.authentication:
      return (at8(packet, at + 1) + 2) * 4;
    default:
      return undefined;
  }
}

function decodeTransport(packet: Uint8Array, { protocol, at, first }: Transport) {
  const readable = first ? packet.length - at : 0;
  const ports = withPorts.has(protocol) && readable >= 4;
  const icmp = (protocol === protocols.icmp || protocol === protocols.icmpv6) && readable >= 2;
  return {
    protocol,
    sourcePort: ports ? at16(packet, at) : 0,
    destinationPort: ports ? at16(packet, at + 2) : 0,
    icmp: icmp
      ? { type: at8(packet, at), code: at8(packet, at + 1), id: readable >= 6 ? icmpId(packet, protocol, at) : 0 }
      : null,
  };
}

// Messages that carry the packet they are about, behind eight bytes of their own (RFC 792, RFC 4443).
const errors: Readonly<Record<number, ReadonlySet<number>>> = {
  [protocols.icmp]: new Set([3, 4, 5, 11, 12]),
  [protocols.icmpv6]: new Set([1, 2, 3, 4]),
};

/** Whom an ICMP error is about. Nobody checked that packet: it is what the sender of the error says. */
function decodeAbout(packet: Uint8Array, { protocol, at }: Transport): Related | null {
  if (!errors[protocol]?.has(at8(packet, at))) return null;
  const inner = packet.subarray(at + 8);
  const headers = tryDecode(inner);
  if (headers === undefined) return null;
  const { sourcePort, destinationPort } = decodeTransport(inner, headers.transport);
  const { source, destination, transport } = headers;
  return {
    protocol: transport.protocol,
    ...{ sourceAddress: source, sourcePort },
    ...{ destinationAddress: destination, destinationPort },
  };
}

// Messages whose fifth and sixth byte are an identifier: queries and their replies (RFC 792, RFC 950, RFC 4443).
const identified: Readonly<Record<number, ReadonlySet<number>>> = {
  [protocols.icmp]: new Set([0, 8, 13, 14, 15, 16, 17, 18]),
  [protocols.icmpv6]: new Set([128, 129]),
};

function icmpId(packet: Uint8Array, protocol: number, at: number): number {
  return identified[protocol]?.has(at8(packet, at)) ? at16(packet, at + 4) : 0;
}

function at8(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function at16(bytes: Uint8Array, offset: number): number {
  return (at8(bytes, offset) << 8) | at8(bytes, offset + 1);
}

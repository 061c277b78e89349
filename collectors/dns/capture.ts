import type { Address } from "../../core/address.ts";
import { type PacketHeaders, transportOf } from "../nflog/packet.ts";
import { isTooShort } from "./message.ts";

// What a captured packet carries of DNS, behind the IP header:
//
// udp    => sourcePort u16 destinationPort u16 length u16 checksum u16   message
// tcp    => … at byte 12: offset:4 …   segment                           RFC 9293, 3.1; the offset is in 32-bit words
// segment => (length u16 message)*                                       RFC 1035, 4.2.2
const udp = 17;
const tcp = 6;
const udpHeaderBytes = 8;
/** More messages in one segment than a client that sends them without waiting has. */
const mostInSegment = 16;

/** Who sent a message to whom. Addresses as where it was captured: behind DNAT, before SNAT. */
export interface Way {
  readonly protocol: number;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
}

export interface Piece {
  readonly bytes: Uint8Array;
  /** All of the message is there. */
  readonly whole: boolean;
}

/**
 * The messages in a packet, as far as they begin in it: TCP is not put together from segments, so a message that another segment began is
 * not found, and of one that goes on in the next there is the beginning. `isOther`: there was payload that no message begins.
 */
export function piecesOf(
  packet: Uint8Array,
  { bytes: length }: PacketHeaders,
): { readonly pieces: readonly Piece[]; readonly isOther: boolean } {
  const transport = transportOf(packet);
  if (transport?.protocol === udp) return { pieces: udpPiece(packet, transport.at), isOther: false };
  if (transport?.protocol !== tcp || transport.at + 13 > packet.length) return { pieces: [], isOther: false };
  const at = transport.at + ((packet[transport.at + 12] as number) >> 4) * 4;
  const end = Math.min(packet.length, length); // a frame may be padded
  return at < end ? segmentPieces(packet.subarray(at, end), length - at) : { pieces: [], isOther: false };
}

function udpPiece(packet: Uint8Array, at: number): readonly Piece[] {
  if (at + udpHeaderBytes > packet.length) return [];
  const length = u16(packet, at + 4) - udpHeaderBytes;
  const bytes = packet.subarray(at + udpHeaderBytes, at + udpHeaderBytes + Math.max(length, 0));
  return isTooShort(bytes.length) ? [] : [{ bytes, whole: bytes.length === length }];
}

/** `length`: of the segment, of which the capture may have less. */
function segmentPieces(segment: Uint8Array, length: number) {
  const pieces: Piece[] = [];
  let at = 0;
  while (at + 2 <= segment.length && pieces.length < mostInSegment) {
    const size = u16(segment, at);
    const bytes = segment.subarray(at + 2, at + 2 + size);
    if (isTooShort(bytes.length)) break;
    pieces.push({ bytes, whole: bytes.length === size });
    at += 2 + size;
  }
  return { pieces, isOther: pieces.length === 0 && length > 0 };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

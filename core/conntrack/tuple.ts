import { type Address, addressFromBytes, addressToBytes, familyOf } from "../address.ts";
import type { AddressCache } from "../address-cache.ts";
import type { Attributes } from "../netlink/attributes.ts";
import type { MessageWriter } from "../netlink/message-writer.ts";
import type { RawFlow } from "../records/flow.ts";

// CTA_TUPLE_ORIG, CTA_TUPLE_REPLY => CTA_TUPLE_IP CTA_TUPLE_PROTO [CTA_TUPLE_ZONE u16be]
//   CTA_TUPLE_IP    => source destination, each 4 or 16 bytes
//   CTA_TUPLE_PROTO => CTA_PROTO_NUM u8, then by protocol: ports u16be, or ICMP type u8, code u8, id u16be, or nothing
// include/uapi/linux/netfilter/nfnetlink_conntrack.h; net/netfilter/nf_conntrack_netlink.c, ctnetlink_dump_tuples
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_TUPLE_ZONE = 3;

const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;

const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_ID = 4;
const CTA_PROTO_ICMP_TYPE = 5;
const CTA_PROTO_ICMP_CODE = 6;
const CTA_PROTO_ICMPV6_ID = 7;
const CTA_PROTO_ICMPV6_TYPE = 8;
const CTA_PROTO_ICMPV6_CODE = 9;

const four = 1;
const six = 2;

const sourcePortSeen = 1;
const destinationPortSeen = 2;
const icmpTypeSeen = 4;
const icmpCodeSeen = 8;
const icmpIdSeen = 16;
const ports = sourcePortSeen | destinationPortSeen;
const icmp = icmpTypeSeen | icmpCodeSeen | icmpIdSeen;
/** By protocol, what its tuples never lack. Generic Routing Encapsulation has its keys where others have ports. */
const partsOf = new Uint8Array(256);
for (const protocol of [6, 17, 47, 132, 136]) partsOf[protocol] = ports;
for (const protocol of [1, 58]) partsOf[protocol] = icmp;

/** One direction of a connection. Ports are 0 where the protocol has none; ICMP's type, code and id are -1 where it is none. */
export interface Tuple {
  source: Address;
  destination: Address;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  icmpType: number;
  icmpCode: number;
  icmpId: number;
  /** Of this direction only (nft's `ct original zone`); else 0. */
  zone: number;
}

const nowhere = "" as Address;

/** Reads one tuple; a tuple without addresses or protocol is a fault. */
export function decodeTuple(a: Attributes, addresses: AddressCache): Tuple {
  const tuple = emptyTuple();
  while (a.next())
    if (a.type === CTA_TUPLE_IP) decodeAddresses(a.nested(), tuple, addresses);
    else if (a.type === CTA_TUPLE_PROTO) decodeProtocol(a.nested(), tuple);
    else if (a.type === CTA_TUPLE_ZONE) tuple.zone = a.u16be();
  if (tuple.source === nowhere || tuple.destination === nowhere) a.fail("a tuple without addresses");
  if (tuple.protocol < 0) a.fail("a tuple without a protocol");
  return tuple;
}

function emptyTuple(): Tuple {
  return {
    source: nowhere,
    destination: nowhere,
    protocol: -1,
    sourcePort: 0,
    destinationPort: 0,
    icmpType: -1,
    icmpCode: -1,
    icmpId: -1,
    zone: 0,
  };
}

function decodeAddresses(a: Attributes, tuple: Tuple, addresses: AddressCache): void {
  let families = 0;
  while (a.next())
    switch (a.type) {
      case CTA_IP_V4_SRC:
        tuple.source = addresses.ipv4(a.u32be());
        families |= four;
        break;
      case CTA_IP_V4_DST:
        tuple.destination = addresses.ipv4(a.u32be());
        families |= four;
        break;
      case CTA_IP_V6_SRC:
        if (a.has(16)) tuple.source = addressFromBytes(a.bytes, a.start, 16);
        families |= six;
        break;
      case CTA_IP_V6_DST:
        if (a.has(16)) tuple.destination = addressFromBytes(a.bytes, a.start, 16);
        families |= six;
        break;
    }
  // Told by the attributes: an IPv6 packet may well come from ::ffff:10.0.0.1.
  if (families === (four | six)) a.fail("a tuple of two families");
}

function decodeProtocol(a: Attributes, tuple: Tuple): void {
  let seen = 0;
  while (a.next())
    switch (a.type) {
      case CTA_PROTO_NUM:
        tuple.protocol = a.u8();
        break;
      case CTA_PROTO_SRC_PORT:
        tuple.sourcePort = a.u16be();
        seen |= sourcePortSeen;
        break;
      case CTA_PROTO_DST_PORT:
        tuple.destinationPort = a.u16be();
        seen |= destinationPortSeen;
        break;
      case CTA_PROTO_ICMP_ID:
      case CTA_PROTO_ICMPV6_ID:
        tuple.icmpId = a.u16be();
        seen |= icmpIdSeen;
        break;
      case CTA_PROTO_ICMP_TYPE:
      case CTA_PROTO_ICMPV6_TYPE:
        tuple.icmpType = a.u8();
        seen |= icmpTypeSeen;
        break;
      case CTA_PROTO_ICMP_CODE:
      case CTA_PROTO_ICMPV6_CODE:
        tuple.icmpCode = a.u8();
        seen |= icmpCodeSeen;
        break;
    }
  const wanted = partsOf[tuple.protocol] ?? 0;
  if ((seen & wanted) !== wanted) a.fail(`a tuple of protocol ${tuple.protocol} without all of its parts`);
}

/** Writes what `decodeTuple` reads, within an attribute for the tuple. */
export function writeTuple(writer: MessageWriter, tuple: Tuple): void {
  const isIpv4 = familyOf(tuple.source) === 4;
  writer.nested(CTA_TUPLE_IP, () => {
    writer.value(isIpv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, bytesOf(tuple.source));
    writer.value(isIpv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, bytesOf(tuple.destination));
  });
  writer.nested(CTA_TUPLE_PROTO, () => writeProtocol(writer, tuple, isIpv4));
  if (tuple.zone !== 0) writer.u16be(CTA_TUPLE_ZONE, tuple.zone);
}

/** Of 4 or 16 bytes. */
function bytesOf(address: Address): Uint8Array {
  return familyOf(address) === 4 ? addressToBytes(address).subarray(12) : addressToBytes(address);
}

/** Protocols without ports do not mind those. */
function writeProtocol(writer: MessageWriter, tuple: Tuple, isIpv4: boolean): void {
  writer.u8(CTA_PROTO_NUM, tuple.protocol);
  if (tuple.icmpType < 0) {
    writer.u16be(CTA_PROTO_SRC_PORT, tuple.sourcePort).u16be(CTA_PROTO_DST_PORT, tuple.destinationPort);
    return;
  }
  writer.u16be(isIpv4 ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID, tuple.icmpId);
  writer.u8(isIpv4 ? CTA_PROTO_ICMP_TYPE : CTA_PROTO_ICMPV6_TYPE, tuple.icmpType);
  writer.u8(isIpv4 ? CTA_PROTO_ICMP_CODE : CTA_PROTO_ICMPV6_CODE, tuple.icmpCode);
}

/** True if `reply` is `original` turned round, that is, nobody translated addresses or ports. */
export function mirrors(reply: Tuple, original: Tuple): boolean {
  return (
    reply.source === original.destination &&
    reply.destination === original.source &&
    reply.sourcePort === original.destinationPort &&
    reply.destinationPort === original.sourcePort &&
    reply.icmpId === original.icmpId
  );
}

export function sameTuple(a: Tuple, b: Tuple): boolean {
  return (
    a.source === b.source &&
    a.destination === b.destination &&
    a.protocol === b.protocol &&
    a.sourcePort === b.sourcePort &&
    a.destinationPort === b.destinationPort &&
    a.icmpId === b.icmpId &&
    a.icmpType === b.icmpType &&
    a.icmpCode === b.icmpCode
  );
}

/** The tuples that a record was made of. */
export function tuplesOf(record: RawFlow): { readonly original: Tuple; readonly reply: Tuple } {
  const { sourceAddress, sourcePort, destinationAddress, destinationPort, nat, icmp, protocol } = record;
  const common = { protocol, icmpType: icmp?.type ?? -1, icmpCode: icmp?.code ?? -1, icmpId: icmp?.id ?? -1, zone: 0 };
  const original = {
    ...common,
    source: sourceAddress,
    sourcePort,
    destination: nat?.destinationAddress ?? destinationAddress,
    destinationPort: nat?.destinationPort ?? destinationPort,
  };
  const reply = {
    ...common,
    source: destinationAddress,
    sourcePort: destinationPort,
    destination: nat?.sourceAddress ?? sourceAddress,
    destinationPort: nat?.sourcePort ?? sourcePort,
  };
  return { original, reply };
}

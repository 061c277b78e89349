import { hash } from "node:crypto";
import { type Address, addressToBytes, familyOf, fourValue } from "./address.ts";

/** What tells connections apart for other programs too: Suricata, Zeek, Packetbeat. */
export interface Tuple {
  readonly protocol: number;
  readonly sourceAddress: Address;
  readonly sourcePort: number;
  readonly destinationAddress: Address;
  readonly destinationPort: number;
  readonly icmp: { readonly type: number; readonly code: number } | null;
}

/** Each message of ICMP with the one that answers it; others go one way (community-id-spec, "ICMP"). */
const answers4 = pairs([8, 0], [13, 14], [15, 16], [10, 9], [17, 18]);
const answers6 = pairs([128, 129], [133, 134], [135, 136], [130, 131], [139, 140], [144, 145]);

const icmp4 = 1;
const icmp6 = 58;
/** What is hashed of IPv4. */
const fours = Buffer.alloc(16);

/**
 * Community ID, version 1 with seed 0 (github.com/corelight/community-id-spec): the same for both directions of a connection, and for
 * every connection with the same addresses and ports.
 *
 * hashed => seed[2] source destination protocol[1] 0 [source-port destination-port]     the smaller end first
 */
export function communityId(tuple: Tuple): string {
  const [from, to] = [fourValue(tuple.sourceAddress), fourValue(tuple.destinationAddress)];
  return from < 0 || to < 0 ? ofAny(tuple) : ofFour(tuple, from, to);
}

/** Of IPv4, which costs less. */
function ofFour(tuple: Tuple, from: number, to: number): string {
  const { ports, oneWay } = portsOf(tuple);
  const swapped = !oneWay && (from > to || (from === to && ports !== undefined && ports[0] > ports[1]));
  fours.writeUInt32BE(swapped ? to : from, 2);
  fours.writeUInt32BE(swapped ? from : to, 6);
  fours[10] = tuple.protocol;
  if (ports === undefined) return idOf(fours.subarray(0, 12));
  fours.writeUInt16BE(ports[swapped ? 1 : 0] & 0xffff, 12);
  fours.writeUInt16BE(ports[swapped ? 0 : 1] & 0xffff, 14);
  return idOf(fours);
}

function ofAny(tuple: Tuple): string {
  const { protocol } = tuple;
  const [source, destination] = [bytesOf(tuple.sourceAddress), bytesOf(tuple.destinationAddress)];
  const { ports, oneWay } = portsOf(tuple);
  const order = Buffer.compare(source, destination) || (ports === undefined ? 0 : ports[0] - ports[1]);
  const swapped = order > 0 && !oneWay;
  const [first, second] = swapped ? [destination, source] : [source, destination];
  const at = 2 + first.length + second.length;
  const hashed = Buffer.alloc(at + (ports === undefined ? 2 : 6));
  hashed.set(first, 2);
  hashed.set(second, 2 + first.length);
  hashed[at] = protocol;
  if (ports !== undefined) {
    hashed.writeUInt16BE(ports[swapped ? 1 : 0] & 0xffff, at + 2);
    hashed.writeUInt16BE(ports[swapped ? 0 : 1] & 0xffff, at + 4);
  }
  return idOf(hashed);
}

function idOf(hashed: Uint8Array): string {
  return `1:${hash("sha1", hashed, "base64")}`;
}

type Ports = readonly [number, number];

/** Of ICMP type and code stand for ports, or the types of question and answer. TCP, UDP and SCTP have ports (the specification's list). */
function portsOf({ protocol, icmp, sourcePort, destinationPort }: Tuple): { ports?: Ports; oneWay: boolean } {
  if (protocol === icmp4 || protocol === icmp6) {
    if (icmp === null) return { oneWay: false };
    const answer = (protocol === icmp4 ? answers4 : answers6).get(icmp.type);
    return { ports: [icmp.type, answer ?? icmp.code], oneWay: answer === undefined };
  }
  const hasPorts = protocol === 6 || protocol === 17 || protocol === 132;
  return hasPorts ? { ports: [sourcePort, destinationPort], oneWay: false } : { oneWay: false };
}

/** 4 or 16 bytes. */
function bytesOf(address: Address): Uint8Array {
  const whole = addressToBytes(address);
  return familyOf(address) === 4 ? whole.subarray(12) : whole;
}

function pairs(...asked: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  return new Map(asked.flatMap(([question, answer]) => [[question, answer] as const, [answer, question] as const]));
}

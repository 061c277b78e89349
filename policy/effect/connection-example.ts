import type { Address } from "../../core/address.ts";
import type { NamedPort } from "../placement.ts";
import { hasPorts, protocolName } from "../protocol.ts";
import { boxesOf, type Connections } from "../space/connections.ts";
import { likelyExample } from "../space/example.ts";
import type { Packet } from "../verdict.ts";
import type { Everybody } from "./group.ts";

/** One connection of many. */
export interface ConnectionExample {
  readonly packet: Packet;
  /** `dev-shop/web-0`, `node:node-1`, `192.0.2.7`: as `sluice trace` takes them. */
  readonly from: string;
  readonly to: string;
  /** `TCP 8080` */
  readonly words: string;
}

/** Where the destination declares no port that is meant. */
const usualPorts: readonly Omit<NamedPort, "name">[] = [
  ...[443, 80, 8080].map((port) => ({ protocol: 6, port })),
  { protocol: 17, port: 53 },
];

/** A connection that people would think of, where there is a choice. */
export function connectionExample(
  [source, destination]: readonly [Address, Address],
  connections: Connections,
  everybody: Everybody,
): ConnectionExample {
  const declared = everybody.ownerOf(destination)?.ports ?? [];
  const packet = { source, destination, ...likelyExample(boxesOf(connections), [...declared, ...usualPorts]) };
  return { packet, from: nameOf(source, everybody), to: nameOf(destination, everybody), words: wordsOf(packet) };
}

function nameOf(address: Address, everybody: Everybody): string {
  const owner = everybody.ownerOf(address);
  if (owner?.kind === "pod") return `${owner.namespace}/${owner.name}`;
  return owner?.kind === "node" ? `node:${owner.name}` : address;
}

function wordsOf({ protocol, destinationPort, icmp }: Packet): string {
  const name = protocolName(protocol);
  if (hasPorts(protocol)) return `${name} ${destinationPort}`;
  if (icmp !== null) return `${name} type ${icmp.type}${icmp.code === 0 ? "" : ` code ${icmp.code}`}`;
  return name === String(protocol) ? `protocol ${name}` : name;
}

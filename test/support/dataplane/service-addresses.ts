import { type Address, familyOf, parseAddress } from "../../../core/address.ts";
import type { Packet } from "../../../policy/verdict.ts";
import type { Layout } from "./layout.ts";
import { passagesOf } from "./way.ts";

// Addresses of arbitrary worlds that have a service address as well, which every node translates as kube-proxy does: at prerouting and output.
const targets = [
  ...["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1", "10.2.0.2", "192.0.2.1", "192.0.2.2", "192.0.2.3", "8.8.8.8"],
  ...["fd01::1", "fd01::2", "fd01::3", "fd02::1", "2001:db8::a", "2001:db8::b", "2606::8"],
].map(parseAddress);

const serviceOf: ReadonlyMap<Address, Address> = new Map(
  targets.map((target, at) => [target, parseAddress(familyOf(target) === 4 ? `10.96.0.${at + 1}` : `fd96::${at + 1}`)]),
);

/** Of TCP, UDP and SCTP only: what conntrack holds for invalid is not translated. */
const translatable: ReadonlySet<number> = new Set([6, 17, 132]);

/** The same packet, sent to the service address of its destination; the same if there is none, or nobody who would translate it. */
export function throughService(layout: Layout, packet: Packet): Packet {
  const destination = serviceOf.get(packet.destination);
  const [first] = passagesOf(layout, packet);
  if (destination === undefined || first === undefined || !translatable.has(packet.protocol)) return packet;
  const node = layout.nodes[first.node]?.name ?? "";
  return { ...packet, translated: { node, destination, destinationPort: packet.destinationPort } };
}

/** Before its destination was translated. */
export function asSent(packet: Packet): Packet {
  const { translated, ...rest } = packet;
  if (translated === undefined) return rest;
  return { ...rest, destination: translated.destination, destinationPort: translated.destinationPort };
}

/** Elements of a map from service addresses to what they stand for, in nft's syntax. */
export function serviceElements(family: 4 | 6): string {
  const own = [...serviceOf].filter(([target]) => familyOf(target) === family);
  return own.map(([target, service]) => `${service} : ${target}`).join(", ");
}

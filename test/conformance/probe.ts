import { type Address, familyOf, parseAddress } from "../../core/address.ts";
import type { Endpoint } from "../../policy/placement.ts";
import { protocolNumber } from "../../policy/protocol.ts";
import type { Packet } from "../../policy/verdict.ts";
import type { Probe } from "./case.ts";

/** The packets that a probe stands for: one for each address family that both ends have. */
export function packetsOf(probe: Probe, endpoints: readonly Endpoint[]): readonly Packet[] {
  const to = addressesOf(probe.to, endpoints);
  return addressesOf(probe.from, endpoints).flatMap((source) =>
    to.filter((target) => familyOf(target) === familyOf(source)).map((target) => packetOf(probe, source, target)),
  );
}

export function probeText({ from, to, protocol, port, icmpType }: Probe): string {
  return `${from} -> ${to} ${protocol}/${protocol === "ICMP" ? (icmpType ?? "any") : port}`;
}

function packetOf(probe: Probe, source: Address, destination: Address): Packet {
  const isIcmp = probe.protocol === "ICMP";
  const six = familyOf(destination) === 6;
  const anyType = six ? 128 : 8;
  return {
    source,
    destination,
    protocol: isIcmp && six ? 58 : (protocolNumber(probe.protocol) as number),
    sourcePort: isIcmp ? 0 : (probe.srcPort ?? 45678),
    destinationPort: isIcmp ? 0 : probe.port,
    icmp: isIcmp ? { type: probe.icmpType ?? anyType, code: probe.icmpCode ?? 0 } : null,
  };
}

/** Addresses of `namespace/pod`, `node:NAME` or an address. */
function addressesOf(end: string, endpoints: readonly Endpoint[]): readonly Address[] {
  const id = end.startsWith("node:") ? end : `pod:${end}`;
  const found = endpoints.find((endpoint) => endpoint.id === id);
  return found === undefined ? [parseAddress(end)] : found.addresses;
}

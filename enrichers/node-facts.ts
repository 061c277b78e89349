import { type Address, type Cidr, formatAddress, parseCidr, tryParseAddress, widthOf } from "../core/address.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { listAt, microsecondsAt, textAt, textsAt } from "./fields.ts";

/** What a Node object says about addresses. */
export interface NodeFacts {
  readonly name: string;
  readonly uid: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Addresses of the node itself, its tunnels included. */
  readonly addresses: readonly Address[];
  /** Where bridges and tunnels of the node usually sit: the first two addresses of its pod CIDRs. A pod's claim is better. */
  readonly gateways: readonly Address[];
  readonly podCidrs: readonly Cidr[];
  /** Texts in place of an address or CIDR that are none. */
  readonly unreadable: number;
  /** Microseconds since the epoch. */
  readonly createdAt: number | null;
}

const addressTypes = new Set(["InternalIP", "ExternalIP"]);

/** Where Calico and Cilium write the addresses of a node's own devices. */
const annotations = [
  "projectcalico.org/IPv4IPIPTunnelAddr",
  "projectcalico.org/IPv4VXLANTunnelAddr",
  "projectcalico.org/IPv6VXLANTunnelAddr",
  "projectcalico.org/IPv4WireguardInterfaceAddr",
  "projectcalico.org/IPv6WireguardInterfaceAddr",
  "network.cilium.io/ipv4-cilium-host",
  "network.cilium.io/ipv6-cilium-host",
];

export function nodeFactsOf(object: KubeObject): NodeFacts {
  const texts = addressTexts(object);
  const addresses = texts.map(tryParseAddress).filter((address) => address !== undefined);
  const cidrTexts = podCidrTexts(object);
  const podCidrs = cidrTexts.map(tryParseCidr).filter((cidr) => cidr !== undefined);
  return {
    name: object.metadata.name,
    uid: object.metadata.uid ?? null,
    labels: textsAt(object, "metadata", "labels"),
    addresses: [...new Set(addresses)],
    gateways: podCidrs.flatMap(firstTwo),
    podCidrs,
    unreadable: texts.length - addresses.length + cidrTexts.length - podCidrs.length,
    createdAt: microsecondsAt(object, "metadata", "creationTimestamp"),
  };
}

function addressTexts(object: KubeObject): readonly string[] {
  const reported = listAt(object, "status", "addresses")
    .filter((entry) => addressTypes.has(textAt(entry, "type") ?? ""))
    .map((entry) => textAt(entry, "address"));
  const devices = annotations.map((name) => textAt(object, "metadata", "annotations", name));
  return [...reported, ...devices].filter((text) => text !== undefined);
}

function podCidrTexts(object: KubeObject): readonly string[] {
  const several = listAt(object, "spec", "podCIDRs").filter((text) => typeof text === "string");
  const one = textAt(object, "spec", "podCIDR");
  return [...new Set(one === undefined ? several : [one, ...several])];
}

/** flannel's tunnel takes the first address of the node's range, bridges the second. */
function firstTwo(cidr: Cidr): readonly Address[] {
  if (cidr.bits > widthOf(cidr.family) - 2) return [];
  return [formatAddress(cidr.family, cidr.base), formatAddress(cidr.family, cidr.base + 1n)];
}

function tryParseCidr(text: string): Cidr | undefined {
  try {
    return parseCidr(text);
  } catch {
    return undefined;
  }
}

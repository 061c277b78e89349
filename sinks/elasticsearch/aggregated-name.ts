import { type Address, type Cidr, cidrContains, parseCidr } from "../../core/address.ts";
import type { FlowEndpoint } from "../../core/records/flow.ts";

/** RFC 1918, and what IPv6 has in their place (RFC 4193). */
const privateNetworks: readonly Cidr[] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"].map(parseCidr);

/**
 * What is left of a name when it is not told which of its pods it was (Calico's `name_aggr`): of a pod that a controller made what the
 * controller begins names with, and `*`; another pod's, a node's and a host's own name; of addresses outside `pvt` or `pub`.
 */
export function aggregatedName(endpoint: FlowEndpoint | null, address: Address): string {
  const name = endpoint?.name ?? null;
  if (endpoint?.kind === "pod" && name !== null) return `${stemOf(name, endpoint.workloadKind)}`;
  if (name !== null) return name;
  return privateNetworks.some((network) => cidrContains(network, address)) ? "pvt" : "pub";
}

/** Controllers name pods `<generateName><5 characters>`, StatefulSets `<name>-<number>` (apiserver, names/generate.go). */
function stemOf(name: string, workloadKind: string | null): string {
  if (workloadKind === null || workloadKind === "Pod") return name;
  return name.replace(workloadKind === "StatefulSet" ? /-\d+$/ : /-[a-z0-9]{5}$/, "-*");
}

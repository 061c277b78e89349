import { type Address, cidrContains, parseAddress, parseCidr } from "./address.ts";

// Packets by which a node proves that its rules are in force (enforcer/probe.ts). Their addresses are of the range for benchmarks of
// network devices (RFC 2544, RFC 6890), which nobody routes; they never leave the node.

export const probeInterface = "sluice-probe";
export const probeNetwork = parseCidr("198.18.254.0/29");
export const probeAddress = {
  sender: parseAddress("198.18.254.1"),
  allowed: parseAddress("198.18.254.2"),
  denied: parseAddress("198.18.254.3"),
} as const;

/** Whether a connection is of a probe: nobody's traffic, so no record tells of it. */
export function isProbe(source: Address, destination: Address): boolean {
  return isProbeAddress(source) || isProbeAddress(destination);
}

// A look at the text first: this is asked of every connection event.
const isProbeAddress = (address: Address) => address.startsWith("198.18.254.") && cidrContains(probeNetwork, address);

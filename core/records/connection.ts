import type { Address } from "../address.ts";
import type { Flow, FlowEndpoint } from "./flow.ts";

// What records are summed by, said once for every store: connections are told once a window, by each node that sees them.

/** The same in all windows of one connection as one node sees it, and different in different ones. */
export function connectionOf(flow: Flow): string {
  const { node, zone, protocol, sourceAddress, sourcePort, destinationAddress, destinationPort, startedAt } = flow;
  return `${node} ${zone} ${protocol} ${sourceAddress} ${sourcePort} ${destinationAddress} ${destinationPort} ${startedAt}`;
}

/** Whose end it is: namespace and workload (or name), or the address where neither is known. */
export function partyOf(end: FlowEndpoint | null, address: Address): string {
  const known = end?.workload ?? end?.name ?? null;
  if (known === null) return address;
  const namespace = end?.namespace ?? null;
  return namespace === null ? known : `${namespace}/${known}`;
}

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

/** `connectionOf` as a number of 53 bits (cyrb53, public domain): of a million connections two are alike once in 18,000 times. */
export function connectionKey(flow: Flow): number {
  const text = connectionOf(flow);
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

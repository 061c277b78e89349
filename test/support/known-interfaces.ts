import type { Address } from "../../core/address.ts";
import { ownPlacement } from "../../enforcer/own-placement.ts";
import type { Endpoint, EndpointId, Placement } from "../../policy/placement.ts";
import type { Program } from "../../policy/program.ts";

/** On which interface each of a node's own addresses is. */
export type OwnAddresses = ReadonlyMap<Address, string>;

/**
 * The placement as it is for who knows the interfaces of the nodes, which objects do not tell: each host endpoint is at those that are its
 * own, and all addresses of a node are known to be.
 */
export function withInterfaces(
  program: Program,
  placement: Placement,
  nodes: ReadonlyMap<string, OwnAddresses>,
): Placement {
  const endpoints = new Map<EndpointId, Endpoint>(placement.endpoints);
  const classOf = new Map(placement.classOf);
  for (const [node, own] of nodes) {
    const seat = { node, localAddresses: new Set(own.keys()) };
    const { ofAll } = ownPlacement({ program, placement, podCidrs: [], links: { own } }, seat);
    if (ofAll === undefined) continue;
    for (const [id, endpoint] of ofAll.endpoints)
      if (placement.endpoints.get(id) !== endpoint) endpoints.set(id, endpoint);
    for (const [id, classId] of ofAll.classOf) classOf.set(id, classId);
  }
  return { ...placement, endpoints, classOf };
}

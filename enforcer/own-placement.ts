import type { Address } from "../core/address.ts";
import { SortedMap } from "../core/sorted-map.ts";
import type { ClassId, Endpoint, EndpointId, Placement } from "../policy/placement.ts";
import { Whereabouts } from "../policy/whereabouts.ts";
import type { Enforced, Seat } from "./enforced.ts";
import { namedInterfaces } from "./hosts.ts";

/** The Placement as the ruleset of one node holds it. */
export interface OwnPlacement {
  /** Addresses of the pods that run here. */
  readonly pods: ReadonlySet<Address>;
  /** With the policies of these pods alone, and all addresses of the node. */
  readonly ofPods: Placement;
  /** With those of the node's host endpoints as well, each at the interface that is its own; undefined if there are none. */
  readonly ofAll: Placement | undefined;
}

export function ownPlacement(enforced: Enforced, seat: Pick<Seat, "node" | "localAddresses">): OwnPlacement {
  const { placement } = enforced;
  const { pods, classOf } = localPods(placement, seat.node);
  const itself = nodeItself(seat);
  const ofPods = { ...placement, endpoints: having(placement, new Map([[itself.id, itself]])), classOf };
  const hosts = hostsAtInterfaces(enforced, seat.node);
  if (hosts.length === 0) return { pods, ofPods, ofAll: undefined };
  const changed = new Map<EndpointId, Endpoint>(hosts.map(({ endpoint }) => [endpoint.id, endpoint]));
  changed.set(itself.id, itself);
  const classOfAll = new Map(classOf);
  for (const { endpoint, classId } of hosts) if (classId !== undefined) classOfAll.set(endpoint.id, classId);
  return { pods, ofPods, ofAll: { ...placement, endpoints: having(placement, changed), classOf: classOfAll } };
}

export function hasHosts({ placement }: Enforced, node: string): boolean {
  return Whereabouts.of(placement.endpoints).hosts.has(node);
}

/** Which host endpoint governs which of the node's interfaces by what policies: another text where that is otherwise. */
export function governanceText(enforced: Enforced, node: string): string {
  return JSON.stringify(
    hostsAtInterfaces(enforced, node).map(({ endpoint, classId }) => [endpoint.interfaceName, endpoint.id, classId]),
  );
}

/** If two endpoints claim an address, the last has it: as in local-endpoints.ts. */
function localPods(placement: Placement, node: string) {
  const pods = new Set<Address>();
  const classOf = new Map<EndpointId, ClassId>();
  for (const endpoint of placement.endpoints.values()) {
    if (endpoint.kind !== "pod" || endpoint.hostNetwork) continue;
    const isHere = endpoint.node === node;
    for (const address of endpoint.addresses)
      if (isHere) pods.add(address);
      else pods.delete(address);
    const found = isHere ? placement.classOf.get(endpoint.id) : undefined;
    if (found !== undefined) classOf.set(endpoint.id, found);
  }
  return { pods, classOf };
}

interface PlacedHost {
  readonly endpoint: Endpoint;
  readonly classId: ClassId | undefined;
}

// No interface is called so.
const noInterface = "";

/**
 * Of the node, each at the interface that hosts.ts finds for it, so that nobody needs to guess: one that is named by its addresses
 * stands for each interface that has one of them, or for none.
 */
function hostsAtInterfaces({ placement, links }: Enforced, node: string): readonly PlacedHost[] {
  const hosts = Whereabouts.of(placement.endpoints).hosts.get(node) ?? [];
  const { named } = namedInterfaces(hosts, links);
  return hosts.flatMap((host) => {
    const classId = placement.classOf.get(host.id);
    if (host.interfaceName !== null) return [{ endpoint: host, classId }];
    const names = [...named].flatMap(([name, owner]) => (owner === host ? [name] : []));
    const [first = noInterface, ...more] = names;
    const others = more.map((name) => ({ ...host, id: `${host.id} ${name}` as EndpointId, interfaceName: name }));
    return [{ ...host, interfaceName: first }, ...others].map((endpoint) => ({ endpoint, classId }));
  });
}

/**
 * Whose addresses are all that are the node's own, of which objects tell but few: something that shares the node's network, which no rule
 * means. What rules mean must stay as it is, members of sets are not made anew here.
 */
function nodeItself({ node, localAddresses }: Pick<Seat, "node" | "localAddresses">): Endpoint {
  return {
    ...{ id: `pod:/${node}` as EndpointId, kind: "pod", namespace: null, name: node, node, hostNetwork: true },
    ...{ addresses: [...localAddresses], nets: [], interfaceName: null, labels: {}, ports: [] },
  };
}

function having({ endpoints }: Placement, changed: ReadonlyMap<EndpointId, Endpoint>): Placement["endpoints"] {
  return endpoints instanceof SortedMap
    ? (endpoints as SortedMap<EndpointId, Endpoint>).with(changed)
    : new Map([...endpoints, ...changed]);
}

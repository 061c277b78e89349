import type { Address } from "../../../core/address.ts";
import type { Endpoint, Placement } from "../../../policy/placement.ts";

/** Where the addresses of a placement are: what has to be built, and where a packet begins and ends. */
export interface Layout {
  readonly nodes: readonly NodeLayout[];
  readonly homes: ReadonlyMap<Address, Home>;
  /** Addresses outside the cluster to which the second network leads; to all others the first does. */
  readonly beyondSecond: ReadonlySet<Address>;
}

export interface NodeLayout {
  readonly name: string;
  /** Its own, and the device they are on. */
  readonly own: ReadonlyMap<Address, NetworkDevice>;
  /** Of pod n, which is behind the interface `podDevice(n)`. */
  readonly pods: readonly (readonly Address[])[];
}

/** Whose address it is: of a node, or of a pod on it. A pod without a node is nowhere. */
export type Home =
  | { readonly at: "node"; readonly node: number; readonly device: NetworkDevice }
  | { readonly at: "pod"; readonly node: number; readonly pod: number }
  | { readonly at: "nowhere" };

/** Every node is on two networks. Between pods there is only the first. */
export const networkDevices = ["eth0", "eth1"] as const;
export type NetworkDevice = (typeof networkDevices)[number];

/** Begins like the interfaces that the default settings take for those of pods. */
export function podDevice(pod: number): string {
  return `slp${pod}`;
}

/** Nodes and pods in the order of the placement. Where two claim an address, the last has it, and a pod before a node: as the evaluator sees it. */
export function layoutOf(
  { endpoints }: Pick<Placement, "endpoints">,
  beyondSecond: ReadonlySet<Address> = new Set(),
): Layout {
  const all = [...endpoints.values()];
  const names = [...new Set(all.flatMap((endpoint) => nodeOf(endpoint) ?? []))];
  const homes = new Map<Address, Home>([...ownersOf(all, names), ...podsOf(all, names)]);
  const nodes = names.map((name, node): NodeLayout => {
    const here = [...homes].filter(([, home]) => home.at !== "nowhere" && home.node === node);
    const pods: Address[][] = all.filter((endpoint) => isPod(endpoint) && endpoint.node === name).map(() => []);
    for (const [address, home] of here) if (home.at === "pod") pods[home.pod]?.push(address);
    const own = here.flatMap(([address, home]) => (home.at === "node" ? [[address, home.device] as const] : []));
    return { name, own: new Map(own), pods };
  });
  return { nodes, homes, beyondSecond };
}

/** By which device a node sends what goes to somebody elsewhere. */
export function deviceTo({ homes, beyondSecond }: Layout, destination: Address): NetworkDevice {
  const home = homes.get(destination);
  if (home === undefined) return beyondSecond.has(destination) ? "eth1" : "eth0";
  return home.at === "node" ? home.device : "eth0";
}

/** By which device it comes in where it ends. */
export function deviceFrom(layout: Layout, source: Address, destination: Address): NetworkDevice {
  const isOutside = layout.homes.get(source) === undefined;
  return isOutside ? deviceTo(layout, source) : deviceTo(layout, destination);
}

/** Addresses of nodes. Those of a host endpoint of the second network are on it, unless another claims them as well. */
function ownersOf(all: readonly Endpoint[], names: readonly string[]): readonly (readonly [Address, Home])[] {
  const claims = all.flatMap((endpoint) => {
    const node = isPod(endpoint) ? -1 : names.indexOf(nodeOf(endpoint) ?? "");
    const device: NetworkDevice = endpoint.interfaceName === "eth1" ? "eth1" : "eth0";
    return node < 0
      ? []
      : endpoint.addresses.map((address) => [address, { at: "node", node, device } as const] as const);
  });
  return claims.sort(([, a], [, b]) => (a.device < b.device ? 1 : a.device > b.device ? -1 : 0));
}

function podsOf(all: readonly Endpoint[], names: readonly string[]): readonly (readonly [Address, Home])[] {
  const counts = names.map(() => 0);
  return all.filter(isPod).flatMap(({ node: name, addresses }) => {
    const node = names.indexOf(name ?? "");
    const pod = counts[node] ?? 0;
    if (node >= 0) counts[node] = pod + 1;
    const home: Home = node < 0 ? { at: "nowhere" } : { at: "pod", node, pod };
    return addresses.map((address) => [address, home] as const);
  });
}

/** A pod that shares its node's addresses is the node. */
function isPod({ kind, hostNetwork }: Endpoint): boolean {
  return kind === "pod" && !hostNetwork;
}

function nodeOf({ kind, name, node }: Endpoint): string | null {
  return kind === "node" ? name : node;
}

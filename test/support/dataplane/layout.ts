import type { Address } from "../../../core/address.ts";
import type { Endpoint, Placement } from "../../../policy/placement.ts";

/** Where the addresses of a placement are: what has to be built, and where a packet begins and ends. */
export interface Layout {
  readonly nodes: readonly NodeLayout[];
  readonly homes: ReadonlyMap<Address, Home>;
}

export interface NodeLayout {
  readonly name: string;
  /** Its own. */
  readonly addresses: readonly Address[];
  /** Of pod n, which is behind the interface `podDevice(n)`. */
  readonly pods: readonly (readonly Address[])[];
}

/** Whose address it is: of a node, or of a pod on it. A pod without a node is nowhere. */
export type Home =
  | { readonly at: "node"; readonly node: number }
  | { readonly at: "pod"; readonly node: number; readonly pod: number }
  | { readonly at: "nowhere" };

export const fabricDevice = "eth0";

/** Begins like the interfaces that the default settings take for those of pods. */
export function podDevice(pod: number): string {
  return `slp${pod}`;
}

/** Nodes and pods in the order of the placement. Where two claim an address, the last has it, and a pod before a node: as the evaluator sees it. */
export function layoutOf({ endpoints }: Pick<Placement, "endpoints">): Layout {
  const all = [...endpoints.values()];
  const names = [...new Set(all.flatMap((endpoint) => nodeOf(endpoint) ?? []))];
  const homes = new Map<Address, Home>();
  for (const endpoint of all)
    if (!isPod(endpoint)) claim(homes, endpoint, { at: "node", node: names.indexOf(nodeOf(endpoint) ?? "") });
  const pods = names.map(() => 0);
  for (const endpoint of all.filter(isPod)) {
    const node = names.indexOf(endpoint.node ?? "");
    claim(homes, endpoint, node < 0 ? { at: "nowhere" } : { at: "pod", node, pod: pods[node] ?? 0 });
    if (node >= 0) pods[node] = (pods[node] ?? 0) + 1;
  }
  const nodes = names.map((name, node) => ({
    name,
    addresses: addressesAt(homes, (home) => home.at === "node" && home.node === node),
    pods: Array.from({ length: pods[node] ?? 0 }, (_, pod) =>
      addressesAt(homes, (home) => home.at === "pod" && home.node === node && home.pod === pod),
    ),
  }));
  return { nodes, homes };
}

function claim(homes: Map<Address, Home>, { addresses }: Endpoint, home: Home): void {
  if (home.at === "node" && home.node < 0) return;
  for (const address of addresses) homes.set(address, home);
}

/** A pod that shares its node's addresses is the node. */
function isPod({ kind, hostNetwork }: Endpoint): boolean {
  return kind === "pod" && !hostNetwork;
}

function nodeOf({ kind, name, node }: Endpoint): string | null {
  return kind === "node" ? name : node;
}

function addressesAt(homes: ReadonlyMap<Address, Home>, isThere: (home: Home) => boolean): readonly Address[] {
  return [...homes].filter(([, home]) => isThere(home)).map(([address]) => address);
}

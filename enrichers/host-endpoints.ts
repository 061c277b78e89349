import type { Address } from "../core/address.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import { ownHostLabels } from "../policy/labels.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import type { Direction } from "../policy/program.ts";
import type { HostPath, Path, Verdict } from "../policy/verdict.ts";

/** The host endpoints of each node, in order of ids. */
export class HostEndpoints {
  readonly #byNode: ReadonlyMap<string | null, readonly Endpoint[]>;

  private constructor(placement: Placement) {
    const hosts = [...placement.endpoints.values()].filter(({ kind }) => kind === "host");
    this.#byNode = Map.groupBy(
      hosts.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      ({ node }) => node,
    );
  }

  static readonly #known = new WeakMap<Placement, HostEndpoints>();

  static of(placement: Placement): HostEndpoints {
    const hosts = HostEndpoints.#known.get(placement) ?? new HostEndpoints(placement);
    HostEndpoints.#known.set(placement, hosts);
    return hosts;
  }

  on(node: string | null): readonly Endpoint[] {
    return this.#byNode.get(node) ?? [];
  }

  /** Whether the path is one through the lists of a host endpoint of this node. */
  isOn(node: string | null, { endpoint }: Pick<Path, "endpoint">): boolean {
    return endpoint.startsWith("host:") && this.on(node).some(({ id }) => id === endpoint);
  }
}

/** What a list other than the normal one said: the first that allowed or denied. */
export function decisiveHostPath(
  verdict: Verdict,
  direction: Direction,
  action: Path["action"] | null,
  isHere: (path: HostPath) => boolean,
): Path | undefined {
  const found = verdict.hosts.find(
    (path) =>
      path.direction === direction &&
      isDecision(path.action) &&
      (action ?? path.action) === path.action &&
      isHere(path),
  );
  return found?.rule == null ? undefined : (found as HostPath & Path);
}

const isDecision = (action: HostPath["action"]): action is Path["action"] => action === "allow" || action === "deny";

/**
 * A node by the host endpoint that governs the traffic: the one that the evaluator asked; if it asked none, the one that has the
 * address, the only one, or that of all interfaces. The node's name stays in `node`.
 */
export function namedByHost(
  end: FlowEndpoint,
  { direction, address }: { readonly direction: Direction; readonly address: Address },
  hosts: HostEndpoints,
  verdict: Verdict | undefined,
): FlowEndpoint {
  const candidates = end.kind === "node" ? hosts.on(end.node) : [];
  if (candidates.length === 0) return end;
  const asked = [verdict?.[direction], ...(verdict?.hosts ?? [])].filter((path) => path?.direction === direction);
  const host =
    candidates.find(({ id }) => asked.some((path) => path?.endpoint === id)) ??
    candidates.find(({ addresses }) => addresses.includes(address)) ??
    (candidates.length === 1 ? candidates[0] : candidates.find(({ interfaceName }) => interfaceName === "*"));
  return host === undefined
    ? end
    : { ...end, kind: "host", name: host.name, uid: null, labels: ownHostLabels(host.labels) };
}

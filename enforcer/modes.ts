import { FilteredMap } from "../core/filtered-map.ts";
import type { EndpointId, Placement } from "../policy/placement.ts";

/** `enforced`: the kernel denies what policy denies. `observed`: it denies nothing, records tell what it would. */
export type Mode = "enforced" | "observed";

export interface ModeSettings {
  /** What holds where no list says otherwise. */
  readonly mode: "observe" | "enforce";
  /** Nodes without rules of ours. */
  readonly observedNodes: readonly string[];
  /** Where `mode` is enforce: namespaces whose pods get no policy. */
  readonly observedNamespaces: readonly string[];
  /** Where `mode` is observe: the only namespaces whose pods get policy. */
  readonly enforcedNamespaces: readonly string[];
}

/** Which node and which endpoint is enforced just now. */
export interface Modes {
  /** Whether the node is to have rules of ours at all. By settings alone: it does not change while a process lives. */
  hasRules(node: string): boolean;
  /** Of an endpoint on that node, by the namespace of a pod; null: of the node itself. */
  of(node: string | null, namespace: string | null): Mode;
}

/** `isOpen`: break-glass is on there. */
export function modesOf(settings: ModeSettings, isOpen: (node: string) => boolean = () => false): Modes {
  const [nodes, observed, enforced] = [
    new Set(settings.observedNodes),
    new Set(settings.observedNamespaces),
    new Set(settings.enforcedNamespaces),
  ];
  const enforces = settings.mode === "enforce";
  const hasRules = (node: string) => !nodes.has(node) && (enforces || enforced.size > 0);
  const inNamespace = (namespace: string | null) => {
    if (namespace === null) return enforces;
    return enforces ? !observed.has(namespace) : enforced.has(namespace);
  };
  return {
    hasRules,
    of: (node, namespace) => {
      const there = node === null || (hasRules(node) && !isOpen(node));
      return there && inNamespace(namespace) ? "enforced" : "observed";
    },
  };
}

/**
 * The Placement as kernels carry it out: whoever is observed is subject to no policy. The members of sets stay: rules of others mean
 * them as before.
 */
export function enforcedPart(placement: Placement, modes: Modes): Placement {
  const isEnforced = (id: EndpointId) => {
    const endpoint = placement.endpoints.get(id);
    return endpoint === undefined || modes.of(endpoint.node, endpoint.namespace) === "enforced";
  };
  return { ...placement, classOf: new FilteredMap(placement.classOf, isEnforced) };
}

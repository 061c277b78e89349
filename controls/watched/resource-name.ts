import type { KubeObject } from "../../core/kube/objects.ts";

/** `networkpolicies` for NetworkPolicy: as Kubernetes' own clients guess it (UnsafeGuessKindToResource), right for all kinds that are watched. */
export function resourceOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/** `projectcalico.org` of `projectcalico.org/v3`; "" is the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** `networkpolicies.projectcalico.org`, `pods`. */
export function qualifiedResource({ apiVersion, kind }: KubeObject): string {
  const group = groupOf(apiVersion);
  return group === "" ? resourceOf(kind) : `${resourceOf(kind)}.${group}`;
}

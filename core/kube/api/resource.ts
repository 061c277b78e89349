import type { Fields } from "./slim.ts";

/** A kind of objects as the API server has it, and what is read of them. */
export interface Resource {
  /** `v1`, `projectcalico.org/v3` */
  readonly apiVersion: string;
  readonly kind: string;
  /** `networkpolicies` */
  readonly plural: string;
  /** What is kept of an object, beside its type. */
  readonly fields: Fields;
  /** Nothing is known of the cluster without it; whatever else may not be read is told and left out. */
  readonly isRequired: boolean;
}

/** Where its objects of all namespaces are listed and watched. */
export function pathOf({ apiVersion, plural }: Resource): string {
  return `${versionPathOf(apiVersion)}/${plural}`;
}

/** Where the server says which resources of a group and version it serves. */
export function versionPathOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** As kubectl and RBAC name it: `pods`, `networkpolicies.projectcalico.org`. */
export function nameOf({ apiVersion, plural }: Resource): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? plural : `${plural}.${apiVersion.slice(0, slash)}`;
}

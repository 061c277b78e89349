import type { KubeObject } from "../../core/kube/objects.ts";
import { admissionOf, taxonomyLabel } from "../../policy/taxonomy/admission.ts";
import type { PresentTaxonomy } from "./present.ts";

/** What to do so that admission is as the taxonomies say. */
export interface AdmissionPlan {
  /** By taxonomy: policies before their bindings, as a binding without its policy refuses nothing. */
  readonly apply: ReadonlyMap<string, readonly KubeObject[]>;
  /** What nobody wants any more: bindings first. Only after all that is wanted is there, so that no moment is open. */
  readonly remove: readonly KubeObject[];
}

/** `present` are policies and bindings that bear our label. Those of a taxonomy that cannot be read stay as they were last. */
export function admissionPlan(taxonomies: readonly PresentTaxonomy[], present: readonly KubeObject[]): AdmissionPlan {
  const apply = new Map(
    taxonomies.flatMap(({ name, read }) => ("problems" in read ? [] : [[name, admissionOf(read.value)] as const])),
  );
  const kept = new Set(taxonomies.map(({ name }) => name).filter((name) => !apply.has(name)));
  const wanted = new Set([...apply.values()].flat().map(idOf));
  const remove = present.filter((object) => !kept.has(ownerOf(object)) && !wanted.has(idOf(object)));
  return { apply, remove: remove.toSorted((a, b) => Number(isBinding(b)) - Number(isBinding(a))) };
}

export function ownerOf({ metadata }: KubeObject): string {
  return metadata.labels?.[taxonomyLabel] ?? "";
}

const idOf = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.name}`;
const isBinding = ({ kind }: KubeObject) => kind === "ValidatingAdmissionPolicyBinding";

import type { Selector } from "../selector/syntax.ts";
import type { ValuePattern } from "./pattern.ts";

/** Kinds whose labels say who somebody is; those of a workload's pod template count as a pod's. */
export const carrierKinds = ["Pod", "Namespace", "Node"] as const;
export type CarrierKind = (typeof carrierKinds)[number];

/** Which labels may and must stand where, and who may set them (controls.sluice.dev/v1alpha1 LabelTaxonomy). */
export interface LabelTaxonomy {
  readonly name: string;
  readonly keys: readonly TaxonomyKey[];
}

export interface TaxonomyKey {
  readonly key: string;
  /** On others it may stand as anybody likes. */
  readonly appliesTo: readonly CarrierKind[];
  /** null: any value. */
  readonly values: AllowedValues | null;
  readonly required: readonly Requirement[];
  /** null: whoever may write the object; but no node its own labels. */
  readonly setters: Setters | null;
  readonly action: "warn" | "deny";
  readonly approval: Approval | null;
}

export type AllowedValues =
  | { readonly type: "list"; readonly values: readonly AllowedValue[] }
  | { readonly type: "pattern"; readonly pattern: ValuePattern };

export interface AllowedValue {
  readonly value: string;
  /** Instead of those of the key. */
  readonly setters: Setters | null;
}

/** Where a label must stand. */
export interface Requirement {
  readonly kind: CarrierKind;
  /** Of pods, by the labels of their namespace; null: all. */
  readonly namespaceSelector: Selector | null;
  /** By the object's own labels; null: all. */
  readonly selector: Selector | null;
}

/** As the API server knows them; service accounts are among the users. */
export interface Setters {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** Who agreed to the key as it is, and on which day. */
export interface Approval {
  readonly by: string;
  readonly date: string | null;
}

import type { KubeObject } from "../../core/kube/objects.ts";
import { readLabelTaxonomy } from "../../policy/kinds/label-taxonomy.ts";
import type { Read } from "../../policy/model.ts";
import type { LabelTaxonomy } from "../../policy/taxonomy/taxonomy.ts";
import type { TimedCondition } from "../conditions.ts";

/** A LabelTaxonomy as it stands in the cluster. */
export interface PresentTaxonomy {
  readonly name: string;
  readonly generation: number;
  readonly conditions: readonly TimedCondition[];
  readonly read: Read<LabelTaxonomy>;
}

export function presentTaxonomy(object: KubeObject): PresentTaxonomy {
  const { generation = 0 } = object.metadata as { readonly generation?: number };
  const status = object["status"] as { readonly conditions?: readonly TimedCondition[] } | undefined;
  return {
    name: object.metadata.name,
    generation,
    conditions: status?.conditions ?? [],
    read: readLabelTaxonomy(object),
  };
}

import { SluiceError } from "../../core/errors.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { readFact } from "../../policy/kinds/read.ts";
import { type Carrier, carriersIn } from "../../policy/taxonomy/carriers.ts";
import { conflictsOf } from "../../policy/taxonomy/conflicts.ts";
import type { LabelTaxonomy } from "../../policy/taxonomy/taxonomy.ts";

/** Taxonomies, and those who are measured by them. */
export interface Labelled {
  readonly taxonomies: readonly LabelTaxonomy[];
  readonly carriers: readonly Carrier[];
}

/** Of taxonomies of one name the last counts: one that is tried out before it is applied. Throws USAGE where there is none. */
export function labelledIn(objects: readonly KubeObject[], place: string, note: (text: string) => void): Labelled {
  const all = objects.flatMap((object) => {
    const read = readFact(object);
    return "value" in read && read.value.type === "labelTaxonomy" ? [read.value.labelTaxonomy] : [];
  });
  const taxonomies = [...new Map(all.map((taxonomy) => [taxonomy.name, taxonomy])).values()];
  if (taxonomies.length === 0)
    throw new SluiceError("USAGE", `there is no LabelTaxonomy in ${place}; name a file that has one by --taxonomy`);
  for (const [name, conflicts] of conflictsOf(taxonomies))
    for (const conflict of conflicts) note(`LabelTaxonomy ${name}: ${conflict}`);
  return { taxonomies, carriers: carriersIn(objects) };
}

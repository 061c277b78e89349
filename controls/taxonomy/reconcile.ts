import { messageOf } from "../../core/errors.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { conflictsOf } from "../../policy/taxonomy/conflicts.ts";
import { conditionsToWrite } from "../conditions.ts";
import type { TaxonomyCluster } from "./cluster.ts";
import { type AdmissionPlan, admissionPlan, ownerOf } from "./plan.ts";
import { type PresentTaxonomy, presentTaxonomy } from "./present.ts";
import { taxonomyConditions } from "./status.ts";

/**
 * Brings admission to what the taxonomies say, and their status to what became of that; gives what failed, by taxonomy. Throws where
 * nothing can be asked.
 */
export async function reconcileTaxonomies(
  cluster: TaxonomyCluster,
  nowMs: number,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const [objects, present] = await Promise.all([cluster.taxonomies(stop), cluster.admission(stop)]);
  const taxonomies = objects.map(presentTaxonomy);
  const plan = admissionPlan(taxonomies, present);
  const failures = await failuresOf(plan, cluster, stop);
  const tellings = tellingsOf(taxonomies, plan, present, failures);
  for (const { taxonomy, conditions } of tellings) {
    const next = conditionsToWrite(taxonomy.conditions, conditions, nowMs);
    if (next === undefined) continue;
    await cluster.writeStatus(taxonomy.name, next, stop).catch(noted(failures, taxonomy.name));
  }
  return failures;
}

/** Does what is planned. After a failure nothing more is done for that taxonomy: what should be replaced stays until its successor is there. */
async function failuresOf(
  { apply, remove }: AdmissionPlan,
  cluster: TaxonomyCluster,
  stop: AbortSignal,
): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  for (const [name, wanted] of apply)
    for (const object of wanted)
      if (!failures.has(name)) await cluster.apply(object, stop).catch(noted(failures, name));
  for (const object of remove) {
    const name = ownerOf(object);
    if (!failures.has(name)) await cluster.remove(object, stop).catch(noted(failures, name));
  }
  return failures;
}

const noted = (failures: Map<string, string>, name: string) => (thrown: unknown) => {
  failures.set(name, messageOf(thrown));
};

function tellingsOf(
  taxonomies: readonly PresentTaxonomy[],
  { apply }: AdmissionPlan,
  present: readonly KubeObject[],
  failures: ReadonlyMap<string, string>,
) {
  const conflicts = conflictsOf(taxonomies.flatMap(({ read }) => ("problems" in read ? [] : [read.value])));
  return taxonomies.map((taxonomy) => {
    const { name } = taxonomy;
    const inForce = apply.get(name) ?? present.filter((object) => ownerOf(object) === name);
    const outcome = {
      policies: inForce.filter(({ kind }) => kind === "ValidatingAdmissionPolicy").length,
      failure: failures.get(name) ?? null,
      conflicts: conflicts.get(name) ?? [],
    };
    return { taxonomy, conditions: taxonomyConditions(taxonomy, outcome) };
  });
}

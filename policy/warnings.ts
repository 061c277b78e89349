import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import { type Fact, readFact } from "./kinds/read.ts";
import { builtInTiers } from "./kinds/tier.ts";
import type { Policy } from "./model.ts";
import { conflictsOf } from "./taxonomy/conflicts.ts";
import type { LabelTaxonomy } from "./taxonomy/taxonomy.ts";
import { hostRemarks } from "./warnings/hosts.ts";
import { orderRemarks } from "./warnings/order.ts";
import { otherProblems } from "./warnings/others.ts";
import type { Remark } from "./warnings/remark.ts";
import { enforcementRemarks, logRemarks, netRemarks, serviceRemarks, tierRemarks } from "./warnings/rules.ts";
import { shadowRemarks } from "./warnings/shadows.ts";
import { TaxonomyLabels } from "./warnings/taxonomy-labels.ts";
import { Whom } from "./warnings/whom.ts";
import { World } from "./world.ts";

/** What is accepted and yet probably not what its author means. */
export interface Warning {
  readonly object: KubeObject;
  /** Path of the field, e.g. `spec.ingress[0].source`. */
  readonly field: string;
  readonly message: string;
}

/**
 * All there are in a set of objects: of others than policies, taxonomies that contradict each other, then policy by policy, then what concerns the order of several. Without any pod or host endpoint
 * nothing is said of whom policies select, nor without any EndpointSlice of what stands behind Services: those may be written elsewhere.
 */
export function warningsOf(objects: readonly KubeObject[]): readonly Warning[] {
  const policies = new Map<Policy, KubeObject>();
  const facts: Fact[] = [];
  const others: Warning[] = [];
  const taxonomies = new Map<string, KubeObject>();
  for (const object of objects) {
    const read = readFact(object);
    if ("problems" in read) continue;
    facts.push(read.value);
    others.push(...otherProblems(read.value).map((problem) => ({ object, ...problem })));
    if (read.value.type === "policy") policies.set(read.value.policy, object);
    if (read.value.type === "labelTaxonomy") taxonomies.set(read.value.labelTaxonomy.name, object);
  }
  const warnings = remarksOn([...policies.keys()], facts, objects).map(({ policy, field, message }) => ({
    object: policies.get(policy) as KubeObject,
    field,
    message,
  }));
  const conflicts = [...conflictsOf(taxonomiesIn(facts))].flatMap(([name, messages]) =>
    messages.map((message) => ({ object: taxonomies.get(name) as KubeObject, field: "spec.keys", message })),
  );
  return distinct([...others, ...conflicts, ...warnings]);
}

function remarksOn(
  policies: readonly Policy[],
  facts: readonly Fact[],
  objects: readonly KubeObject[],
): readonly Remark[] {
  const made = facts.flatMap((fact) => (fact.type === "tier" ? [fact.tier] : []));
  const tiers = new Map([...builtInTiers, ...made].map((tier) => [tier.name, tier]));
  const services = new Set(
    facts.flatMap((fact) => (fact.type === "endpointSlice" ? [fact.endpointSlice.service] : [])),
  );
  const known = new TaxonomyLabels(taxonomiesIn(facts), facts);
  const world = new World();
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  const endpoints = [...world.placement().endpoints.values()];
  const whom = new Whom(endpoints);
  const each = (policy: Policy) => [
    ...tierRemarks(policy, tiers),
    ...whom.remarks(policy),
    ...known.remarks(policy),
    ...hostRemarks(policy, endpoints),
    ...logRemarks(policy, tiers),
    ...enforcementRemarks(policy),
    ...(services.size === 0 ? [] : serviceRemarks(policy, services)),
    ...netRemarks(policy),
    ...shadowRemarks(policy),
  ];
  return [...policies.filter(({ staged }) => staged !== "delete").flatMap(each), ...orderRemarks(policies)];
}

function taxonomiesIn(facts: readonly Fact[]): readonly LabelTaxonomy[] {
  return facts.flatMap((fact) => (fact.type === "labelTaxonomy" ? [fact.labelTaxonomy] : []));
}

/** Parts of one rule are warned of in the same words. */
function distinct(warnings: readonly Warning[]): readonly Warning[] {
  const key = ({ object, field, message }: Warning) => `${keyOf(object)} ${field} ${message}`;
  return [...new Map(warnings.map((one) => [key(one), one])).values()];
}

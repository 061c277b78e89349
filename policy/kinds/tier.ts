import { z } from "zod";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Problem, Read, Tier } from "../model.ts";
import { tierName } from "./fields.ts";
import type { CelRule } from "./openapi.ts";
import { readWith } from "./reading.ts";

/** The tier of policies that name none, and of Kubernetes NetworkPolicies. */
export const defaultTier: Tier = { name: "default", order: 1_000_000, defaultAction: "deny" };

/** Tiers of kinds that Calico has given up, for clusters that still have such policies. */
const formerTiers: readonly Tier[] = [
  { name: "adminnetworkpolicy", order: 1000, defaultAction: "pass" },
  { name: "baselineadminnetworkpolicy", order: 10_000_000, defaultAction: "pass" },
];

/** Tiers that are there without anybody making them (projectcalico.org/v3); nobody can change them. */
export const builtInTiers: readonly Tier[] = [
  { name: "kube-admin", order: 1000, defaultAction: "pass" },
  defaultTier,
  { name: "kube-baseline", order: 10_000_000, defaultAction: "pass" },
  ...formerTiers,
];

export const tierSpec = z.strictObject({
  order: z.number().optional().describe("Lower is asked first; without it, last."),
  defaultAction: z.enum(["Deny", "Pass"]).default("Deny").describe("What happens if no rule of the tier decides."),
});

/** projectcalico.org/v3 Tier. */
export function readTier(object: KubeObject): Read<Tier> {
  const name = readWith(tierName, object.metadata.name, "metadata.name");
  if ("problems" in name) return name;
  const read = readWith(tierSpec, object["spec"] ?? {}, "spec");
  if ("problems" in read) return read;
  const { order, defaultAction } = read.value;
  const tier: Tier = {
    name: name.value,
    order: order ?? Number.POSITIVE_INFINITY,
    defaultAction: defaultAction === "Pass" ? "pass" : "deny",
  };
  const problems = contradictions(tier);
  return problems.length > 0 ? { problems } : { value: tier };
}

function contradictions(tier: Tier): readonly Problem[] {
  const fixed = builtInTiers.find(({ name }) => name === tier.name);
  if (fixed === undefined || (fixed.order === tier.order && fixed.defaultAction === tier.defaultAction)) return [];
  return [{ field: "spec", message: sayFixed(fixed) }];
}

/** What the API server says of names and of tiers that are fixed. */
export const tierRules: readonly CelRule[] = [
  {
    rule: "size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",
    message: "the name of a tier is a label",
  },
  ...builtInTiers.map((tier) => ({
    rule: `self.metadata.name != '${tier.name}' || (has(self.spec) && has(self.spec.order) && self.spec.order == ${tier.order}.0 && has(self.spec.defaultAction) && self.spec.defaultAction == '${actionOf(tier)}')`,
    message: sayFixed(tier),
  })),
];

function sayFixed(tier: Tier): string {
  return `tier ${tier.name} has order ${tier.order} and defaultAction ${actionOf(tier)}, always`;
}

/** As it is written. */
function actionOf({ defaultAction }: Tier): "Deny" | "Pass" {
  return defaultAction === "pass" ? "Pass" : "Deny";
}

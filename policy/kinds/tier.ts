import { z } from "zod";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Problem, Read, Tier } from "../model.ts";
import { readWith, tierName } from "./fields.ts";

/** The tier of policies that name none, and of Kubernetes NetworkPolicies. */
export const defaultTier: Tier = { name: "default", order: 1_000_000, defaultAction: "deny" };

/** Tiers that are there without anybody making them (projectcalico.org/v3); nobody can change them. */
export const builtInTiers: readonly Tier[] = [
  { name: "kube-admin", order: 1000, defaultAction: "pass" },
  defaultTier,
  { name: "kube-baseline", order: 10_000_000, defaultAction: "pass" },
];

const spec = z
  .strictObject({
    order: z.number().optional(),
    defaultAction: z.enum(["Deny", "Pass"]).default("Deny"),
  })
  .prefault({});

/** projectcalico.org/v3 Tier. */
export function readTier(object: KubeObject): Read<Tier> {
  const name = readWith(tierName, object.metadata.name, "metadata.name");
  if ("problems" in name) return name;
  const read = readWith(spec, object["spec"] ?? {}, "spec");
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
  const action = fixed.defaultAction === "pass" ? "Pass" : "Deny";
  return [
    { field: "spec", message: `tier ${fixed.name} has order ${fixed.order} and defaultAction ${action}, always` },
  ];
}

import { z } from "zod";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read, Tier } from "../model.ts";
import { readWith } from "./fields.ts";

/** The tier of policies that name none, and of Kubernetes NetworkPolicies. */
export const defaultTier: Tier = { name: "default", order: 1_000_000, defaultAction: "deny" };

const spec = z
  .strictObject({
    order: z.number().nullish(),
    defaultAction: z.enum(["Deny", "Pass"]).default("Deny"),
  })
  .prefault({});

/** projectcalico.org/v3 Tier. */
export function readTier(object: KubeObject): Read<Tier> {
  const name = object.metadata.name;
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 63)
    return {
      problems: [
        { field: "metadata.name", message: `"${name}" is no tier name: lower case letters, digits and -, at most 63` },
      ],
    };
  const read = readWith(spec, object["spec"] ?? {}, "spec");
  if ("problems" in read) return read;
  const { order, defaultAction } = read.value;
  const tier: Tier = {
    name,
    order: order ?? Number.POSITIVE_INFINITY,
    defaultAction: defaultAction === "Pass" ? "pass" : "deny",
  };
  const fixed = name === defaultTier.name && (order !== defaultTier.order || tier.defaultAction !== "deny");
  if (fixed)
    return {
      problems: [{ field: "spec", message: "the default tier has order 1000000 and defaultAction Deny, always" }],
    };
  return { value: tier };
}

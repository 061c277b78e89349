import { z } from "zod";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Policy, PolicyKind, Problem, Read, StagedAction } from "../model.ts";
import { globalNetworkPolicySpec, networkPolicySpec, type PolicyIdentity, policyOf } from "./calico-policy.ts";
import { celAbsent, celEmpty, celOn } from "./cel.ts";
import { kubernetesPolicyOf, kubernetesPolicySpec } from "./kubernetes-policy.ts";
import { withCel } from "./openapi.ts";
import { isMapping, readWith } from "./reading.ts";

const stagedAction = z
  .enum(["Set", "Delete", "Learn", "Ignore"])
  .default("Set")
  .describe("What it would do to the policy of its name; Ignore does nothing.");

const zeros = ["selector", "serviceAccountSelector", "ingress", "egress", "types", "performanceHints"];
const ownZeros = [celAbsent("order"), ...zeros.map(celEmpty)];
const globalZeros = [
  ...ownZeros,
  celEmpty("namespaceSelector"),
  ...["doNotTrack", "preDNAT", "applyOnForward"].map((field) => `!${celOn(field)}`),
];
const kubernetesZeros = [
  ...["ingress", "egress", "policyTypes"].map(celEmpty),
  celAbsent("podSelector.matchLabels"),
  celAbsent("podSelector.matchExpressions"),
];

// Constraints stay with an extended schema; what the API server is told beside does not.
export const stagedNetworkPolicySpec = deleting(
  networkPolicySpec.safeExtend({ stagedAction }).meta({ ...networkPolicySpec.meta() }),
  ownZeros,
);
export const stagedGlobalNetworkPolicySpec = deleting(
  globalNetworkPolicySpec.safeExtend({ stagedAction }).meta({ ...globalNetworkPolicySpec.meta() }),
  globalZeros,
);
export const stagedKubernetesNetworkPolicySpec = deleting(
  kubernetesPolicySpec.safeExtend({ stagedAction }),
  kubernetesZeros,
);

/** What `leftovers` says, for the API server. */
function deleting<S extends z.ZodType>(spec: S, zeros: readonly string[]): S {
  const rule = `${celAbsent("stagedAction")} || self.stagedAction != 'Delete' || (${zeros.join(" && ")})`;
  return withCel(spec, [{ rule, message: "beside stagedAction: Delete nothing but the tier may stand" }]);
}

/** projectcalico.org/v3 StagedNetworkPolicy. */
export function readStagedNetworkPolicy(object: KubeObject): Read<Policy> {
  return read(object, "snp", stagedNetworkPolicySpec, policyOf);
}

/** projectcalico.org/v3 StagedGlobalNetworkPolicy. */
export function readStagedGlobalNetworkPolicy(object: KubeObject): Read<Policy> {
  return read(object, "sgnp", stagedGlobalNetworkPolicySpec, policyOf);
}

/** projectcalico.org/v3 StagedKubernetesNetworkPolicy. */
export function readStagedKubernetesPolicy(object: KubeObject): Read<Policy> {
  return read(object, "sknp", stagedKubernetesNetworkPolicySpec, kubernetesPolicyOf);
}

const actions = { Set: "set", Delete: "delete", Learn: "learn", Ignore: "ignore" } as const;

function read<T extends { readonly stagedAction: keyof typeof actions }>(
  object: KubeObject,
  kind: PolicyKind,
  schema: z.ZodType<T>,
  policyOf: (spec: T, identity: PolicyIdentity) => Policy,
): Read<Policy> {
  const result = readWith(schema, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const problems = leftovers(result.value.stagedAction, object["spec"]);
  if (problems.length > 0) return { problems };
  const staged: StagedAction = actions[result.value.stagedAction];
  return { value: policyOf(result.value, { kind, object, staged }) };
}

/** What a policy says that only deletes: it may say no more than which. */
function leftovers(action: keyof typeof actions, spec: unknown): readonly Problem[] {
  if (action !== "Delete" || !isMapping(spec)) return [];
  return Object.entries(spec)
    .filter(([field, value]) => field !== "stagedAction" && field !== "tier" && !isZero(value))
    .map(([field]) => ({ field: `spec.${field}`, message: "may not stand beside stagedAction: Delete" }));
}

/** What Go leaves out of JSON: an order of 0 is no zero value, since it is a pointer there. */
function isZero(value: unknown): boolean {
  if (isMapping(value)) return Object.keys(value).length === 0;
  return value === null || value === false || value === "" || (Array.isArray(value) && value.length === 0);
}

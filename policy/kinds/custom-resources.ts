import type { z } from "zod";
import { globalNetworkPolicySpec, networkPolicySpec } from "./calico-policy.ts";
import { changePolicySpec } from "./change-policy.ts";
import { hostEndpointSpec } from "./host-endpoint.ts";
import { labelTaxonomyRules, labelTaxonomySpec } from "./label-taxonomy.ts";
import { nameCel } from "./names.ts";
import { networkSetSpec } from "./network-set.ts";
import type { CelRule } from "./openapi.ts";
import {
  stagedGlobalNetworkPolicySpec,
  stagedKubernetesNetworkPolicySpec,
  stagedNetworkPolicySpec,
} from "./staged-policy.ts";
import { tierRules, tierSpec } from "./tier.ts";

/**
 * Kinds that Sluice brings CRDs for: those of projectcalico.org/v3 that it reads, and its own of controls.sluice.dev. Those of
 * policy.networking.k8s.io come with the project that defines them.
 */
export interface CustomResource {
  readonly group: "projectcalico.org" | "controls.sluice.dev";
  readonly version: "v3" | "v1alpha1";
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  readonly description: string;
  readonly spec: z.ZodType;
  /** Conditions that hold for the whole object. */
  readonly rules: readonly CelRule[];
  /** What kubectl shows beside the name. */
  readonly columns: readonly Column[];
  /** By what lists can be narrowed down with a field selector. */
  readonly selectable: readonly string[];
}

export interface Column {
  readonly name: string;
  readonly type: "string" | "number" | "date";
  readonly jsonPath: string;
}

const calico = { group: "projectcalico.org", version: "v3" } as const;

const age: Column = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };
const order: Column = { name: "Order", type: "number", jsonPath: ".spec.order" };
const tier: Column = { name: "Tier", type: "string", jsonPath: ".spec.tier" };
const action: Column = { name: "Action", type: "string", jsonPath: ".spec.stagedAction" };

/** What a condition of its status says. */
const condition = (type: string): Column => ({
  name: type,
  type: "string",
  jsonPath: `.status.conditions[?(@.type=="${type}")].status`,
});

const became = [condition("Accepted"), condition("Programmed")];

const inTier = { columns: [tier, order, ...became, age], selectable: [".spec.tier"] };
const stagedInTier = { columns: [tier, order, action, condition("Accepted"), age], selectable: [".spec.tier"] };

/** The one list of them: manifests, rights and what is applied to a cluster follow from it. */
export const customResources: readonly CustomResource[] = [
  {
    ...calico,
    kind: "Tier",
    plural: "tiers",
    shortNames: [],
    scope: "Cluster",
    description: "A group of policies that is asked before or after others, and what happens if none of it decides.",
    spec: tierSpec,
    rules: tierRules,
    columns: [order, { name: "DefaultAction", type: "string", jsonPath: ".spec.defaultAction" }, ...became, age],
    selectable: [],
  },
  {
    ...calico,
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    shortNames: ["cnp", "caliconetworkpolicy"],
    scope: "Namespaced",
    description: "What the pods of a namespace may send and get.",
    spec: networkPolicySpec,
    rules: nameCel("NetworkPolicy"),
    ...inTier,
  },
  {
    ...calico,
    kind: "GlobalNetworkPolicy",
    plural: "globalnetworkpolicies",
    shortNames: ["gnp", "cgnp"],
    scope: "Cluster",
    description: "What pods of all namespaces, and host endpoints, may send and get.",
    spec: globalNetworkPolicySpec,
    rules: nameCel("GlobalNetworkPolicy"),
    ...inTier,
  },
  {
    ...calico,
    kind: "StagedNetworkPolicy",
    plural: "stagednetworkpolicies",
    shortNames: ["scnp", "snp"],
    scope: "Namespaced",
    description: "A NetworkPolicy that is not in force: flow records tell what it would do.",
    spec: stagedNetworkPolicySpec,
    rules: nameCel("StagedNetworkPolicy"),
    ...stagedInTier,
  },
  {
    ...calico,
    kind: "StagedGlobalNetworkPolicy",
    plural: "stagedglobalnetworkpolicies",
    shortNames: ["sgnp"],
    scope: "Cluster",
    description: "A GlobalNetworkPolicy that is not in force: flow records tell what it would do.",
    spec: stagedGlobalNetworkPolicySpec,
    rules: nameCel("StagedGlobalNetworkPolicy"),
    ...stagedInTier,
  },
  {
    ...calico,
    kind: "StagedKubernetesNetworkPolicy",
    plural: "stagedkubernetesnetworkpolicies",
    shortNames: ["sknp"],
    scope: "Namespaced",
    description: "A NetworkPolicy of networking.k8s.io that is not in force: flow records tell what it would do.",
    spec: stagedKubernetesNetworkPolicySpec,
    rules: nameCel("StagedKubernetesNetworkPolicy"),
    columns: [action, condition("Accepted"), age],
    selectable: [],
  },
  {
    ...calico,
    kind: "NetworkSet",
    plural: "networksets",
    shortNames: ["netsets"],
    scope: "Namespaced",
    description: "Addresses that the selectors of rules mean by labels.",
    spec: networkSetSpec,
    rules: nameCel("NetworkSet"),
    columns: [age],
    selectable: [],
  },
  {
    ...calico,
    kind: "GlobalNetworkSet",
    plural: "globalnetworksets",
    shortNames: ["gns"],
    scope: "Cluster",
    description: "Addresses that the selectors of rules mean by labels, for policies of all namespaces.",
    spec: networkSetSpec,
    rules: nameCel("GlobalNetworkSet"),
    columns: [age],
    selectable: [],
  },
  {
    ...calico,
    kind: "HostEndpoint",
    plural: "hostendpoints",
    shortNames: ["hep", "heps"],
    scope: "Cluster",
    description: "An interface of a node, or all of them, as something that policy applies to.",
    spec: hostEndpointSpec,
    rules: nameCel("HostEndpoint"),
    columns: [
      { name: "Node", type: "string", jsonPath: ".spec.node" },
      { name: "Interface", type: "string", jsonPath: ".spec.interfaceName" },
      age,
    ],
    selectable: [],
  },
  {
    group: "controls.sluice.dev",
    version: "v1alpha1",
    kind: "LabelTaxonomy",
    plural: "labeltaxonomies",
    shortNames: ["ltax"],
    scope: "Cluster",
    description: "Which labels pods, namespaces and nodes may carry and must carry, and who may set them.",
    spec: labelTaxonomySpec,
    rules: labelTaxonomyRules,
    columns: [condition("Accepted"), condition("Enforced"), condition("Conflict"), age],
    selectable: [],
  },
  {
    group: "controls.sluice.dev",
    version: "v1alpha1",
    kind: "ChangePolicy",
    plural: "changepolicies",
    shortNames: ["chp"],
    scope: "Cluster",
    description:
      "Who may change which controls, when, and on what conditions: by it changes are marked as authorised or not.",
    spec: changePolicySpec,
    rules: [],
    columns: [age],
    selectable: [],
  },
];

/** Those that stand in a tier, and so are granted by tier. */
export const policyResources: readonly CustomResource[] = customResources.filter(({ kind }) =>
  kind.endsWith("NetworkPolicy"),
);

/** Kinds whose status tells what became of them (controls/object-status). */
export const toldResources: readonly CustomResource[] = customResources.filter(
  ({ kind }) => kind === "Tier" || kind.endsWith("NetworkPolicy"),
);

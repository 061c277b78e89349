import type { KubeObject } from "../../core/kube/objects.ts";
import type { Ancestor } from "../ancestors.ts";
import type { Policy, Problem, Read, Tier } from "../model.ts";
import type { LabelTaxonomy } from "../taxonomy/taxonomy.ts";
import { readAdminNetworkPolicy, readBaselineAdminNetworkPolicy } from "./admin-network-policy.ts";
import { readGlobalNetworkPolicy, readNetworkPolicy } from "./calico-policy.ts";
import { readChangePolicy } from "./change-policy.ts";
import { type Node, type Pod, readNode, readPod } from "./cluster.ts";
import { readClusterNetworkPolicy } from "./cluster-network-policy.ts";
import { type EndpointSlice, readEndpointSlice } from "./endpoint-slice.ts";
import { type HostEndpoint, readHostEndpoint } from "./host-endpoint.ts";
import { readKubernetesPolicy } from "./kubernetes-policy.ts";
import { readLabelTaxonomy } from "./label-taxonomy.ts";
import { nameProblems } from "./names.ts";
import { type NetworkSet, readNetworkSet } from "./network-set.ts";
import { isMapping, keyText } from "./reading.ts";
import { readStagedGlobalNetworkPolicy, readStagedKubernetesPolicy, readStagedNetworkPolicy } from "./staged-policy.ts";
import { readTier } from "./tier.ts";
import { shown } from "./wording.ts";

/** What an object tells the world. */
export type Fact =
  | { readonly type: "policy"; readonly policy: Policy }
  | { readonly type: "tier"; readonly tier: Tier }
  | { readonly type: "pod"; readonly pod: Pod }
  | { readonly type: "node"; readonly node: Node }
  | { readonly type: "networkSet"; readonly networkSet: NetworkSet }
  | { readonly type: "hostEndpoint"; readonly hostEndpoint: HostEndpoint }
  | { readonly type: "endpointSlice"; readonly endpointSlice: EndpointSlice }
  | { readonly type: "labelTaxonomy"; readonly labelTaxonomy: LabelTaxonomy }
  | { readonly type: "labels"; readonly ancestor: Ancestor }
  | { readonly type: "none" };

/** Groups of which every kind matters: one we do not know would be a control that silently does nothing. */
const policyGroup = /^([a-z0-9.-]+\.)?(projectcalico\.org|networking\.k8s\.io|controls\.sluice\.dev)\//;
const harmless = new Set(["networking.k8s.io/v1/Ingress", "networking.k8s.io/v1/IngressClass"]);

const policyReaders = new Map<string, (object: KubeObject) => Read<Policy>>([
  ["projectcalico.org/v3/NetworkPolicy", readNetworkPolicy],
  ["projectcalico.org/v3/GlobalNetworkPolicy", readGlobalNetworkPolicy],
  ["projectcalico.org/v3/StagedNetworkPolicy", readStagedNetworkPolicy],
  ["projectcalico.org/v3/StagedGlobalNetworkPolicy", readStagedGlobalNetworkPolicy],
  ["projectcalico.org/v3/StagedKubernetesNetworkPolicy", readStagedKubernetesPolicy],
  ["networking.k8s.io/v1/NetworkPolicy", readKubernetesPolicy],
  ["policy.networking.k8s.io/v1alpha2/ClusterNetworkPolicy", readClusterNetworkPolicy],
  ["policy.networking.k8s.io/v1alpha1/AdminNetworkPolicy", readAdminNetworkPolicy],
  ["policy.networking.k8s.io/v1alpha1/BaselineAdminNetworkPolicy", readBaselineAdminNetworkPolicy],
]);

/** Reads any object, even one that is none; kinds that say nothing about policy give `none`. */
export function readFact(object: KubeObject): Read<Fact> {
  const problems = envelopeProblems(object);
  if (problems.length > 0) return { problems };
  const kind = `${object.apiVersion}/${object.kind}`;
  const reader = policyReaders.get(kind);
  return reader ? mapped(reader(object), (policy) => ({ type: "policy", policy })) : readOther(object, kind);
}

function readOther(object: KubeObject, kind: string): Read<Fact> {
  switch (kind) {
    case "projectcalico.org/v3/Tier":
      return mapped(readTier(object), (tier) => ({ type: "tier", tier }));
    case "projectcalico.org/v3/NetworkSet":
    case "projectcalico.org/v3/GlobalNetworkSet":
      return mapped(readNetworkSet(object), (networkSet) => ({ type: "networkSet", networkSet }));
    case "projectcalico.org/v3/HostEndpoint":
      return mapped(readHostEndpoint(object), (hostEndpoint) => ({ type: "hostEndpoint", hostEndpoint }));
    case "controls.sluice.dev/v1alpha1/LabelTaxonomy":
      return mapped(readLabelTaxonomy(object), (labelTaxonomy) => ({ type: "labelTaxonomy", labelTaxonomy }));
    case "controls.sluice.dev/v1alpha1/ChangePolicy":
      return mapped(readChangePolicy(object), () => ({ type: "none" })); // it is about changes, not about packets
    case "discovery.k8s.io/v1/EndpointSlice":
      return mapped(readEndpointSlice(object), (endpointSlice) => ({ type: "endpointSlice", endpointSlice }));
    case "v1/Pod":
      return mapped(readPod(object), (pod) => ({ type: "pod", pod }));
    case "v1/Node":
      return mapped(readNode(object), (node) => ({ type: "node", node }));
    case "v1/Namespace":
      return { value: { type: "labels", ancestor: ancestorOf("Namespace", object) } };
    case "v1/ServiceAccount":
      return { value: { type: "labels", ancestor: ancestorOf("ServiceAccount", object) } };
    default:
      return policyGroup.test(kind) && !harmless.has(kind) ? unknown(kind) : { value: { type: "none" } };
  }
}

function ancestorOf(of: Ancestor["of"], { metadata }: KubeObject): Ancestor {
  return { of, namespace: metadata.namespace ?? null, name: metadata.name, labels: metadata.labels ?? {} };
}

/**
 * What every reader takes for granted: names are texts, and labels mappings of texts. By hand, not by schema: it is asked of every pod
 * of a cluster, many times a second.
 */
function envelopeProblems(object: unknown): readonly Problem[] {
  return hasEnvelope(object) ? [] : envelopeFaults(object);
}

/** As nearly all have: without a list of what there is to ask. */
function hasEnvelope(object: unknown): boolean {
  if (!isMapping(object) || !isMapping(object["metadata"])) return false;
  const { name, namespace, labels } = object["metadata"];
  const isNamed = isText(object["apiVersion"]) && isText(object["kind"]) && isText(name);
  const hasLabels =
    labels === undefined || labels === null || (isMapping(labels) && Object.values(labels).every(isText));
  return isNamed && hasLabels && isText(namespace ?? "");
}

const isText = (value: unknown) => typeof value === "string";

function envelopeFaults(object: unknown): readonly Problem[] {
  if (!isMapping(object)) return [{ field: "", message: `${shown(object)} is no object` }];
  const { apiVersion, kind, metadata } = object;
  if (!isMapping(metadata)) return [{ field: "metadata", message: "is missing" }];
  const { name, namespace, labels } = metadata;
  const texts = { apiVersion, kind, "metadata.name": name, "metadata.namespace": namespace ?? "" };
  return [
    ...Object.entries(texts).flatMap(([field, value]) => textProblems(field, value)),
    ...(labels === undefined || labels === null ? [] : labelProblems(labels)),
  ];
}

function labelProblems(labels: unknown): readonly Problem[] {
  if (!isMapping(labels)) return [{ field: "metadata.labels", message: `${shown(labels)} is not a mapping` }];
  return Object.entries(labels).flatMap(([key, value]) => textProblems(`metadata.labels.${keyText(key)}`, value));
}

function textProblems(field: string, value: unknown): readonly Problem[] {
  if (typeof value === "string") return [];
  return [{ field, message: value === undefined ? "is missing" : `${shown(value)} is not a text` }];
}

/**
 * What is wrong with an object, for whoever takes objects in; empty if nothing is. Names are looked at here only: the API server has
 * seen to them where it is the source, and no rule means anything else because of them.
 */
export function problemsOf(object: KubeObject): readonly Problem[] {
  const read = readFact(object);
  const problems = "problems" in read ? read.problems : [];
  const isCalico = object?.apiVersion === "projectcalico.org/v3" && typeof object.metadata?.name === "string";
  return isCalico && object.kind !== "Tier" ? [...nameProblems(object), ...problems] : problems;
}

function unknown(kind: string): Read<Fact> {
  return { problems: [{ field: "kind", message: `${kind} is not supported by this version and has no effect` }] };
}

function mapped<T>(read: Read<T>, fact: (value: T) => Fact): Read<Fact> {
  return "problems" in read ? read : { value: fact(read.value) };
}

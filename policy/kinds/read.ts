import type { KubeObject } from "../../core/kube/objects.ts";
import type { Policy, Problem, Read, Tier } from "../model.ts";
import { readGlobalNetworkPolicy, readNetworkPolicy } from "./calico-policy.ts";
import { type Node, type Pod, readNode, readPod } from "./cluster.ts";
import { type EndpointSlice, readEndpointSlice } from "./endpoint-slice.ts";
import { type HostEndpoint, readHostEndpoint } from "./host-endpoint.ts";
import { readKubernetesPolicy } from "./kubernetes-policy.ts";
import { type NetworkSet, readNetworkSet } from "./network-set.ts";
import { readTier } from "./tier.ts";

/** What an object tells the world. */
export type Fact =
  | { readonly type: "policy"; readonly policy: Policy }
  | { readonly type: "tier"; readonly tier: Tier }
  | { readonly type: "pod"; readonly pod: Pod }
  | { readonly type: "node"; readonly node: Node }
  | { readonly type: "networkSet"; readonly networkSet: NetworkSet }
  | { readonly type: "hostEndpoint"; readonly hostEndpoint: HostEndpoint }
  | { readonly type: "endpointSlice"; readonly endpointSlice: EndpointSlice }
  | { readonly type: "labels"; readonly of: "Namespace" | "ServiceAccount" }
  | { readonly type: "none" };

/** Groups of which every kind matters: one we do not know would be a control that silently does nothing. */
const policyGroup = /^([a-z0-9.-]+\.)?(projectcalico\.org|networking\.k8s\.io)\//;
const harmless = new Set(["networking.k8s.io/v1/Ingress", "networking.k8s.io/v1/IngressClass"]);

/** Reads any object; kinds that say nothing about policy give `none`. */
export function readFact(object: KubeObject): Read<Fact> {
  const kind = `${object.apiVersion}/${object.kind}`;
  switch (kind) {
    case "projectcalico.org/v3/Tier":
      return mapped(readTier(object), (tier) => ({ type: "tier", tier }));
    case "projectcalico.org/v3/NetworkPolicy":
      return mapped(readNetworkPolicy(object), (policy) => ({ type: "policy", policy }));
    case "projectcalico.org/v3/GlobalNetworkPolicy":
      return mapped(readGlobalNetworkPolicy(object), (policy) => ({ type: "policy", policy }));
    case "networking.k8s.io/v1/NetworkPolicy":
      return mapped(readKubernetesPolicy(object), (policy) => ({ type: "policy", policy }));
    case "projectcalico.org/v3/NetworkSet":
    case "projectcalico.org/v3/GlobalNetworkSet":
      return mapped(readNetworkSet(object), (networkSet) => ({ type: "networkSet", networkSet }));
    case "projectcalico.org/v3/HostEndpoint":
      return mapped(readHostEndpoint(object), (hostEndpoint) => ({ type: "hostEndpoint", hostEndpoint }));
    case "discovery.k8s.io/v1/EndpointSlice":
      return mapped(readEndpointSlice(object), (endpointSlice) => ({ type: "endpointSlice", endpointSlice }));
    case "v1/Pod":
      return mapped(readPod(object), (pod) => ({ type: "pod", pod }));
    case "v1/Node":
      return mapped(readNode(object), (node) => ({ type: "node", node }));
    case "v1/Namespace":
      return { value: { type: "labels", of: "Namespace" } };
    case "v1/ServiceAccount":
      return { value: { type: "labels", of: "ServiceAccount" } };
    default:
      return policyGroup.test(kind) && !harmless.has(kind) ? unknown(kind) : { value: { type: "none" } };
  }
}

/** What is wrong with an object, for whoever takes objects in; empty if nothing is. */
export function problemsOf(object: KubeObject): readonly Problem[] {
  const read = readFact(object);
  return "problems" in read ? read.problems : [];
}

function unknown(kind: string): Read<Fact> {
  return { problems: [{ field: "kind", message: `${kind} is not supported by this version and has no effect` }] };
}

function mapped<T>(read: Read<T>, fact: (value: T) => Fact): Read<Fact> {
  return "problems" in read ? read : { value: fact(read.value) };
}

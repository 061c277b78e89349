import { z } from "zod";
import { cidrCovers } from "../../core/address.ts";
import { exact } from "../../core/exact.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { inNamespace, isPod } from "../labels.ts";
import { anyone, type Peer, type Policy, type Ports, type Read, type Rule } from "../model.ts";
import { protocolNumber } from "../protocol.ts";
import { conjunction } from "../selector/syntax.ts";
import type { PolicyIdentity } from "./calico-policy.ts";
import { cidrField, portName, portNumber } from "./fields.ts";
import { labelSelector, podsIn, terms } from "./label-selector.ts";
import { asAtomic, asIntOrString, asSet, constrained } from "./openapi.ts";
import { readWith } from "./reading.ts";
import { allowRule } from "./simple-rule.ts";
import { defaultTier } from "./tier.ts";

/** Kubernetes NetworkPolicies stand in the default tier at this order; projectcalico.org policies go before or after. */
const order = 1000;

/** `endPort` is an int32 in Go. */
const maxInt32 = 0x7fffffff;

const ipBlock = constrained(z.strictObject({ cidr: cidrField, except: asAtomic(z.array(cidrField)).optional() }), [
  {
    message: "every entry of except must lie within cidr, and be smaller",
    at: ["except"],
    holds: ({ cidr, except = [] }) => except.every((part) => cidrCovers(cidr, part) && part.bits > cidr.bits),
  },
]);

const peer = z
  .strictObject({
    podSelector: labelSelector.optional(),
    namespaceSelector: labelSelector.optional(),
    ipBlock: ipBlock.optional(),
  })
  .refine((entry) => Boolean(entry.podSelector ?? entry.namespaceSelector ?? entry.ipBlock), {
    message: "a peer needs podSelector, namespaceSelector or ipBlock; leave the list out to mean everybody",
  })
  .refine((entry) => !(entry.ipBlock && (entry.podSelector || entry.namespaceSelector)), {
    message: "ipBlock stands alone",
  });

const port = z
  .strictObject({
    protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
    port: asIntOrString(z.union([portNumber, portName]), /^[a-zA-Z0-9_.-]{1,128}$/).optional(),
    // The API server refuses one above 65535; whoever has one nevertheless means all ports from there on.
    endPort: z.int().min(1).max(maxInt32).optional(),
  })
  .refine(({ port, endPort }) => endPort == null || (typeof port === "number" && endPort >= port), {
    message: "endPort needs a numeric port and may not be below it",
  });

const ports = asAtomic(z.array(port)).optional();
const peers = asAtomic(z.array(peer)).optional();
// Kubernetes does not mind the same type twice.
const types = z.array(z.enum(["Ingress", "Egress"])).max(2);

/** NetworkPolicySpec of networking.k8s.io/v1. */
export const kubernetesPolicySpec = z.strictObject({
  podSelector: labelSelector.optional(),
  policyTypes: asSet(types).optional(),
  ingress: asAtomic(z.array(z.strictObject({ from: peers, ports }))).optional(),
  egress: asAtomic(z.array(z.strictObject({ to: peers, ports }))).optional(),
});

/** networking.k8s.io/v1 NetworkPolicy: allow rules only; whom it selects is denied everything else. */
export function readKubernetesPolicy(object: KubeObject): Read<Policy> {
  const result = readWith(kubernetesPolicySpec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  return { value: kubernetesPolicyOf(result.value, { kind: "knp", object, staged: null }) };
}

type Spec = z.output<typeof kubernetesPolicySpec>;

/** A policy of this spec, in force or staged. */
export function kubernetesPolicyOf(spec: Spec, { kind, object, staged }: PolicyIdentity): Policy {
  const namespace = object.metadata.namespace ?? "default";
  const types = typesOf(spec);
  return {
    kind,
    namespace,
    name: object.metadata.name,
    tier: defaultTier.name,
    order,
    selector: conjunction([isPod, inNamespace(namespace), ...terms(spec.podSelector ?? {})]),
    lists: ["normal"],
    staged,
    ingress: types.includes("Ingress") ? ingressRules(spec, namespace) : null,
    egress: types.includes("Egress") ? egressRules(spec, namespace) : null,
  };
}

/** Defaults of the API server (pkg/apis/networking/v1/defaults.go): Ingress always, Egress if there are egress rules. */
function typesOf({ policyTypes, egress }: Spec): readonly string[] {
  return policyTypes?.length ? policyTypes : ["Ingress", ...(egress?.length ? ["Egress"] : [])];
}

function ingressRules({ ingress }: Spec, namespace: string): readonly Rule[] {
  return (ingress ?? []).flatMap(({ from, ports }, index) =>
    expand(index, from ?? [], ports ?? [], namespace, (peer, ports) => ({
      source: peer,
      destination: { ...anyone, ports },
    })),
  );
}

function egressRules({ egress }: Spec, namespace: string): readonly Rule[] {
  return (egress ?? []).flatMap(({ to, ports }, index) =>
    expand(index, to ?? [], ports ?? [], namespace, (peer, ports) => ({
      source: anyone,
      destination: { ...peer, ports },
    })),
  );
}

type PeerSpec = z.output<typeof peer>;
type PortSpec = z.output<typeof port>;
type Ends = (peer: Peer, ports: Ports | null) => Pick<Rule, "source" | "destination">;

/** A rule for each peer and protocol; an empty list of either means all. */
function expand(index: number, from: readonly PeerSpec[], ports: readonly PortSpec[], namespace: string, ends: Ends) {
  const peers = from.length === 0 ? [anyone] : from.map((entry) => peerOf(entry, namespace));
  return peers.flatMap((peer) =>
    portGroups(ports).map(({ protocol, ports }) => ({ ...allowRule, index, protocol, ...ends(peer, ports) })),
  );
}

interface PortGroup {
  readonly protocol: number | null;
  readonly ports: Ports | null;
}

function portGroups(ports: readonly PortSpec[]): readonly PortGroup[] {
  if (ports.length === 0) return [{ protocol: null, ports: null }];
  return [...Map.groupBy(ports, ({ protocol }) => protocol)].map(([protocol, group]) => ({
    protocol: protocolNumber(protocol) as number,
    ports: group.some(({ port }) => port == null) ? null : portsOf(group),
  }));
}

function portsOf(group: readonly PortSpec[]): Ports {
  return {
    ranges: exact(
      group.flatMap(({ port, endPort }) =>
        typeof port === "number" ? [{ from: port, to: Math.min(endPort ?? port, 65_535) }] : [],
      ),
    ),
    names: exact(group.flatMap(({ port }) => (typeof port === "string" ? [port] : []))),
  };
}

function peerOf(entry: PeerSpec, namespace: string): Peer {
  const { ipBlock, namespaceSelector, podSelector = {} } = entry;
  if (ipBlock) return { ...anyone, nets: [ipBlock.cidr], notNets: ipBlock.except ?? [] };
  if (namespaceSelector) return { ...anyone, selector: podsIn(namespaceSelector, podSelector) };
  return { ...anyone, selector: conjunction([isPod, inNamespace(namespace), ...terms(podSelector)]) };
}

import { z } from "zod";
import type { KubeObject } from "../../core/kube/objects.ts";
import { inherited, inNamespace, isPod, namespaceLabel, namespacePrefix } from "../labels.ts";
import { anyone, type Peer, type Policy, type Ports, type Read, type Rule } from "../model.ts";
import { protocolNumber } from "../protocol.ts";
import { conjunction, type Selector } from "../selector/syntax.ts";
import { cidrField, labelKey, labelsField, labelValue, readWith } from "./fields.ts";

/** Kubernetes NetworkPolicies stand in the default tier at this order; projectcalico.org policies go before or after. */
const order = 1000;

const expression = z
  .strictObject({
    key: labelKey,
    operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: z.array(labelValue).optional(),
  })
  .refine(({ operator, values }) => (operator === "In" || operator === "NotIn") === (values ?? []).length > 0, {
    message: "In and NotIn need values, Exists and DoesNotExist take none",
  });

const labelSelector = z.strictObject({
  matchLabels: labelsField.optional(),
  matchExpressions: z.array(expression).optional(),
});

const ipBlock = z.strictObject({ cidr: cidrField, except: z.array(cidrField).optional() });

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
    port: z.union([z.int().min(1).max(65535), z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/)]).optional(),
    endPort: z.int().min(1).max(65535).optional(),
  })
  .refine(({ port, endPort }) => endPort == null || (typeof port === "number" && endPort >= port), {
    message: "endPort needs a numeric port and may not be below it",
  });

const ports = z.array(port).optional();
const peers = z.array(peer).optional();

const spec = z.strictObject({
  podSelector: labelSelector.optional(),
  policyTypes: z.array(z.enum(["Ingress", "Egress"])).optional(),
  ingress: z.array(z.strictObject({ from: peers, ports })).optional(),
  egress: z.array(z.strictObject({ to: peers, ports })).optional(),
});

/** networking.k8s.io/v1 NetworkPolicy: allow rules only; whom it selects is denied everything else. */
export function readKubernetesPolicy(object: KubeObject): Read<Policy> {
  const result = readWith(spec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const { podSelector, policyTypes, ingress, egress } = result.value;
  const namespace = object.metadata.namespace ?? "default";
  // Defaults of the API server (pkg/apis/networking/v1/defaults.go): Ingress always, Egress if there are egress rules.
  const types = policyTypes?.length ? policyTypes : ["Ingress", ...(egress?.length ? ["Egress"] : [])];
  const inbound = (ingress ?? []).flatMap(({ from, ports }, index) =>
    expand(index, from ?? [], ports ?? [], namespace, (peer, ports) => ({
      source: peer,
      destination: { ...anyone, ports },
    })),
  );
  const outbound = (egress ?? []).flatMap(({ to, ports }, index) =>
    expand(index, to ?? [], ports ?? [], namespace, (peer, ports) => ({
      source: anyone,
      destination: { ...peer, ports },
    })),
  );
  return {
    value: {
      kind: "knp",
      namespace,
      name: object.metadata.name,
      tier: "default",
      order,
      selector: conjunction([isPod, inNamespace(namespace), ...terms(podSelector ?? {})]),
      lists: ["normal"],
      staged: null,
      ingress: types.includes("Ingress") ? inbound : null,
      egress: types.includes("Egress") ? outbound : null,
    },
  };
}

type PeerSpec = z.output<typeof peer>;
type PortSpec = z.output<typeof port>;
type LabelSelector = z.output<typeof labelSelector>;
type Ends = (peer: Peer, ports: Ports | null) => Pick<Rule, "source" | "destination">;

/** A rule for each peer and protocol; an empty list of either means all. */
function expand(index: number, from: readonly PeerSpec[], ports: readonly PortSpec[], namespace: string, ends: Ends) {
  const peers = from.length === 0 ? [anyone] : from.map((entry) => peerOf(entry, namespace));
  return peers.flatMap((peer) => portGroups(ports).map((group) => ruleOf(index, group, ends(peer, group.ports))));
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
    ranges: group.flatMap(({ port, endPort }) =>
      typeof port === "number" ? [{ from: port, to: endPort ?? port }] : [],
    ),
    names: group.flatMap(({ port }) => (typeof port === "string" ? [port] : [])),
  };
}

function ruleOf(index: number, group: PortGroup, ends: Pick<Rule, "source" | "destination">): Rule {
  const { protocol } = group;
  return {
    index,
    action: "allow",
    family: null,
    protocol,
    notProtocol: null,
    icmp: null,
    notIcmp: null,
    notEnforced: [],
    ...ends,
  };
}

function peerOf(entry: PeerSpec, namespace: string): Peer {
  if (entry.ipBlock) return { ...anyone, nets: [entry.ipBlock.cidr], notNets: entry.ipBlock.except ?? [] };
  const where = entry.namespaceSelector
    ? inherited(conjunction(terms(entry.namespaceSelector)), namespacePrefix, namespaceLabel)
    : inNamespace(namespace);
  return { ...anyone, selector: conjunction([isPod, where, ...terms(entry.podSelector ?? {})]) };
}

/** The terms of a metav1.LabelSelector; none means all. */
function terms(selector: LabelSelector): readonly Selector[] {
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...labels.map(([label, value]): Selector => ({ op: "==", label, value })),
    ...(selector.matchExpressions ?? []).map(expressionTerm),
  ];
}

function expressionTerm({ key, operator, values }: z.output<typeof expression>): Selector {
  switch (operator) {
    case "In":
      return { op: "in", label: key, values: values ?? [] };
    case "NotIn":
      return { op: "not in", label: key, values: values ?? [] };
    case "Exists":
      return { op: "has", label: key };
    case "DoesNotExist":
      return { op: "not", term: { op: "has", label: key } };
  }
}

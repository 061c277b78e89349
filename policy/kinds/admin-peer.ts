import { z } from "zod";
import { anyone, type Peer, type Ports, type Rule } from "../model.ts";
import { conjunction, type Selector } from "../selector/syntax.ts";
import { cidrField, textLike } from "./fields.ts";
import { labelSelector, podsIn, terms } from "./label-selector.ts";
import { asSet, exactlyOne } from "./openapi.ts";
import { allowRule } from "./simple-rule.ts";

// Subject and peers, the same in all kinds of policy.networking.k8s.io.

/** Go reads a selector that is missing as an empty one, and so do manifests out there count on it. */
const namespacedPod = z.strictObject({
  namespaceSelector: labelSelector.prefault({}),
  podSelector: labelSelector.prefault({}),
});
const pods = z.strictObject({ namespaces: labelSelector.optional(), pods: namespacedPod.optional() });

const domainName = textLike(
  /^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$/,
  "domain name",
);

/** The pods that a policy is about. */
export const subjectField = exactlyOne(pods);
export const ingressPeer = exactlyOne(pods);
export const egressPeer = exactlyOne(
  pods.extend({
    nodes: labelSelector.optional(),
    networks: asSet(z.array(cidrField).min(1).max(25)).optional(),
    domainNames: asSet(z.array(domainName).min(1).max(25)).optional(),
  }),
);

type AdminPeer = z.output<typeof egressPeer>;

export function subjectOf({ namespaces = {}, pods }: z.output<typeof subjectField>): Selector {
  return pods ? podsIn(pods.namespaceSelector, pods.podSelector) : podsIn(namespaces, {});
}

/** What a rule says of ports, protocol by protocol; a null protocol is any. */
export interface PortGroup {
  readonly protocol: number | null;
  readonly ports: Ports | null;
}

interface Written {
  readonly index: number;
  readonly action: Rule["action"];
  readonly direction: "ingress" | "egress";
  readonly peers: readonly AdminPeer[];
  /** Empty: all ports of all protocols. */
  readonly ports: readonly PortGroup[];
}

/** A rule for each peer and group of ports. */
export function expand({ index, action, direction, peers, ports }: Written): readonly Rule[] {
  const groups = ports.length === 0 ? [{ protocol: null, ports: null }] : ports;
  return peers.flatMap(partsOf).flatMap(({ peer, notEnforced }) =>
    groups.map(({ protocol, ports }) => ({
      ...allowRule,
      index,
      action,
      protocol,
      ...(direction === "ingress"
        ? { source: peer, destination: { ...anyone, ports } }
        : { destination: { ...peer, ports } }),
      notEnforced: [...notEnforced, ...(namesNobody(direction, peer, ports) ? ["named ports of what is no pod"] : [])],
    })),
  );
}

/** Only pods declare ports by name. */
function namesNobody(direction: Written["direction"], { selector }: Peer, ports: Ports | null): boolean {
  return direction === "egress" && selector === null && ports !== null && ports.names.length > 0;
}

interface PeerPart {
  readonly peer: Peer;
  readonly notEnforced: readonly string[];
}

function partsOf({ namespaces, pods, nodes, networks = [], domainNames }: AdminPeer): readonly PeerPart[] {
  const part = (peer: Partial<Peer>): PeerPart => ({ peer: { ...anyone, ...peer }, notEnforced: [] });
  if (namespaces) return [part({ selector: podsIn(namespaces, {}) })];
  if (pods) return [part({ selector: podsIn(pods.namespaceSelector, pods.podSelector) })];
  if (nodes) return [part({ nodes: conjunction(terms(nodes)) })];
  if (domainNames) return [{ peer: anyone, notEnforced: ["domainNames"] }];
  return [...Map.groupBy(networks, ({ family }) => family).values()].map((nets) => part({ nets }));
}

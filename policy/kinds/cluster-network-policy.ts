import { z } from "zod";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Policy, Read } from "../model.ts";
import type { PortRange } from "../program.ts";
import { protocolNumber } from "../protocol.ts";
import { egressPeer, expand, ingressPeer, type PortGroup, subjectField, subjectOf } from "./admin-peer.ts";
import { failClosed, rulesOrNull } from "./fail-closed.ts";
import { portName, portNumber } from "./fields.ts";
import { exactlyOne } from "./openapi.ts";
import { readWith } from "./reading.ts";

const portRange = z
  .strictObject({ start: portNumber, end: portNumber })
  .refine(({ start, end }) => start < end, { message: "start must be below end" });
const portField = exactlyOne(z.strictObject({ number: portNumber.optional(), range: portRange.optional() }));
const transport = exactlyOne(z.strictObject({ destinationPort: portField.optional() }));
const protocol = exactlyOne(
  z.strictObject({
    tcp: transport.optional(),
    udp: transport.optional(),
    sctp: transport.optional(),
    destinationNamedPort: portName.optional(),
  }),
);
type Protocol = z.output<typeof protocol>;

const common = {
  name: z.string().max(100).optional(),
  action: z.enum(["Accept", "Deny", "Pass"]),
  protocols: z.array(protocol).min(1).max(25).optional(),
};
const ingressRule = z.strictObject({ ...common, from: z.array(ingressPeer).min(1).max(25) });
const egressRule = z
  .strictObject({ ...common, to: z.array(egressPeer).min(1).max(25) })
  .refine(({ action, to }) => action === "Accept" || to.every(({ domainNames }) => domainNames === undefined), {
    path: ["to"],
    message: "domainNames may stand in Accept rules only",
  });

const spec = z.strictObject({
  tier: z.enum(["Admin", "Baseline"]),
  priority: z.int().min(0).max(1000),
  subject: subjectField,
  ingress: z.array(failClosed(ingressRule)).max(25).default([]),
  egress: z.array(failClosed(egressRule)).max(25).default([]),
});

const tiers = { Admin: "kube-admin", Baseline: "kube-baseline" } as const;
const actions = { Accept: "allow", Deny: "deny", Pass: "pass" } as const;

/** policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy. */
export function readClusterNetworkPolicy(object: KubeObject): Read<Policy> {
  const result = readWith(spec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const { tier, priority, subject, ingress, egress } = result.value;
  return {
    value: {
      kind: "kcnp",
      namespace: null,
      name: object.metadata.name,
      tier: tiers[tier],
      order: priority,
      selector: subjectOf(subject),
      lists: ["normal"],
      staged: null,
      ingress: rulesOrNull(ingress, ({ action, from, protocols }, index) =>
        expand({ index, action: actions[action], direction: "ingress", peers: from, ports: groups(protocols) }),
      ),
      egress: rulesOrNull(egress, ({ action, to, protocols }, index) =>
        expand({ index, action: actions[action], direction: "egress", peers: to, ports: groups(protocols) }),
      ),
    },
  };
}

/** Numbers go by protocol; a name stands for the protocol that whoever declares it says. */
function groups(protocols: readonly Protocol[] = []): readonly PortGroup[] {
  const names = protocols.flatMap(({ destinationNamedPort: name }) => (name === undefined ? [] : [name]));
  const numbers = (["tcp", "udp", "sctp"] as const).map((transport) => ({
    protocol: protocolNumber(transport) as number,
    ports: { ranges: protocols.flatMap((entry) => rangesOf(entry[transport])), names: [] },
  }));
  return [
    ...numbers.filter(({ ports }) => ports.ranges.length > 0),
    ...(names.length === 0 ? [] : [{ protocol: null, ports: { ranges: [], names } }]),
  ];
}

function rangesOf(match: Protocol["tcp"]): readonly PortRange[] {
  const { number, range } = match?.destinationPort ?? {};
  if (range) return [{ from: range.start, to: range.end }];
  return number === undefined ? [] : [{ from: number, to: number }];
}

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

const protocol = z.enum(["TCP", "UDP", "SCTP"]).default("TCP");
const port = exactlyOne(
  z.strictObject({
    portNumber: z.strictObject({ protocol, port: portNumber }).optional(),
    portRange: z
      .strictObject({ protocol, start: portNumber, end: portNumber })
      .refine(({ start, end }) => start < end, { message: "start must be below end" })
      .optional(),
    namedPort: portName.optional(),
  }),
);
type Port = z.output<typeof port>;

const common = {
  name: z.string().max(100).optional(),
  ports: z.array(port).min(1).max(100).optional(),
};

function ingressRule<A extends string>(action: z.ZodType<A>) {
  return z.strictObject({ ...common, action, from: z.array(ingressPeer).min(1).max(100) });
}

function egressRule<A extends string>(action: z.ZodType<A>) {
  return z
    .strictObject({ ...common, action, to: z.array(egressPeer).min(1).max(100) })
    .refine(({ action, to }) => action === "Allow" || to.every(({ domainNames }) => domainNames === undefined), {
      path: ["to"],
      message: "domainNames may stand in Allow rules only",
    });
}

function rulesWith<A extends string>(action: z.ZodType<A>) {
  return {
    subject: subjectField,
    ingress: z
      .array(failClosed(ingressRule(action)))
      .max(100)
      .default([]),
    egress: z
      .array(failClosed(egressRule(action)))
      .max(100)
      .default([]),
  };
}

const adminSpec = z.strictObject({
  priority: z.int().min(0).max(1000),
  ...rulesWith(z.enum(["Allow", "Deny", "Pass"])),
});
const baselineSpec = z.strictObject(rulesWith(z.enum(["Allow", "Deny"])));
type Spec = Omit<z.output<typeof adminSpec>, "priority">;

/** There is one at most, so that its order among others of its tier says nothing; this one is Calico's. */
const baselineOrder = 1000;

/** policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy. */
export function readAdminNetworkPolicy(object: KubeObject): Read<Policy> {
  const result = readWith(adminSpec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const place = { kind: "kanp", tier: "adminnetworkpolicy", order: result.value.priority } as const;
  return { value: policyOf(object, result.value, place) };
}

/** policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy. */
export function readBaselineAdminNetworkPolicy(object: KubeObject): Read<Policy> {
  const result = readWith(baselineSpec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  if (object.metadata.name !== "default")
    return {
      problems: [{ field: "metadata.name", message: 'the one BaselineAdminNetworkPolicy is called "default"' }],
    };
  const place = { kind: "kbanp", tier: "baselineadminnetworkpolicy", order: baselineOrder } as const;
  return { value: policyOf(object, result.value, place) };
}

const actions = { Allow: "allow", Deny: "deny", Pass: "pass" } as const;

function policyOf(object: KubeObject, spec: Spec, place: Pick<Policy, "kind" | "tier" | "order">): Policy {
  return {
    ...place,
    namespace: null,
    name: object.metadata.name,
    selector: subjectOf(spec.subject),
    lists: ["normal"],
    staged: null,
    ingress: rulesOrNull(spec.ingress, ({ action, from, ports }, index) =>
      expand({ index, action: actions[action], direction: "ingress", peers: from, ports: groups(ports) }),
    ),
    egress: rulesOrNull(spec.egress, ({ action, to, ports }, index) =>
      expand({ index, action: actions[action], direction: "egress", peers: to, ports: groups(ports) }),
    ),
  };
}

/** Numbers go by protocol; a name stands for the protocol that whoever declares it says. */
function groups(ports: readonly Port[] = []): readonly PortGroup[] {
  const names = ports.flatMap(({ namedPort }) => (namedPort === undefined ? [] : [namedPort]));
  const numbers = Map.groupBy(ports.flatMap(rangeOf), ({ protocol }) => protocol);
  return [
    ...[...numbers].map(([name, ranges]) => ({
      protocol: protocolNumber(name) as number,
      ports: { ranges: ranges.map(({ from, to }): PortRange => ({ from, to })), names: [] },
    })),
    ...(names.length === 0 ? [] : [{ protocol: null, ports: { ranges: [], names } }]),
  ];
}

function rangeOf({ portNumber, portRange }: Port): readonly (PortRange & { readonly protocol: string })[] {
  if (portNumber) return [{ protocol: portNumber.protocol, from: portNumber.port, to: portNumber.port }];
  return portRange ? [{ protocol: portRange.protocol, from: portRange.start, to: portRange.end }] : [];
}

import { z } from "zod";
import type { Family } from "../../core/address.ts";
import type { IcmpMatch, Rule } from "../model.ts";
import { icmpOfFamily } from "../protocol.ts";
import { type EntityRule, entityRule, isEmpty, peerOf } from "./entity.ts";
import { http } from "./http.ts";
import { asAtomic, type Constraint, constrained } from "./openapi.ts";
import { protocolField, takesPorts } from "./protocol-field.ts";

// Rule of projectcalico.org/v3, as it may stand in ingress and in egress of namespaced and of global policies.

const icmp = constrained(
  z.strictObject({ type: z.int().min(0).max(254).optional(), code: z.int().min(0).max(255).optional() }),
  [
    {
      message: "an ICMP code needs a type",
      at: ["code"],
      holds: ({ type, code }) => type !== undefined || code === undefined,
      cel: "!has(self.code) || has(self.type)",
    },
  ],
);

const fields = z.strictObject({
  action: z.enum(["Allow", "Deny", "Log", "Pass"]).describe("Pass goes on with the next tier, Log with the next rule."),
  metadata: z.strictObject({ annotations: z.record(z.string(), z.string()).optional() }).optional(),
  ipVersion: z.literal([4, 6]).meta({ type: "integer" }).optional(),
  protocol: protocolField.optional().describe("TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6 or a number."),
  notProtocol: protocolField.optional(),
  icmp: icmp.optional(),
  notICMP: icmp.optional(),
  source: entityRule.optional(),
  destination: entityRule.optional(),
  http: http.optional().describe("Kept, not enforced: the rule matches nothing."),
});

type RuleSpec = z.output<typeof fields>;
type End = "source" | "destination";
type Direction = "ingress" | "egress";

const ends: readonly End[] = ["source", "destination"];

const rule = constrained(fields, [
  {
    message: "http needs protocol TCP, or none",
    at: ["http"],
    holds: (spec) => spec.http === undefined || spec.protocol === undefined || spec.protocol === 6,
    cel: "!has(self.http) || !has(self.protocol) || self.protocol == 'TCP' || self.protocol == 6",
  },
  {
    message: "http may stand in Allow rules only",
    at: ["http"],
    holds: (spec) => spec.http === undefined || spec.action === "Allow",
    cel: "self.action == 'Allow' || !has(self.http)",
  },
  {
    message: "icmp needs protocol ICMP or ICMPv6",
    at: ["icmp"],
    holds: (spec) => spec.icmp === undefined || spec.protocol === 1 || spec.protocol === 58,
    cel: "!has(self.icmp) || (has(self.protocol) && (self.protocol == 'ICMP' || self.protocol == 'ICMPv6' || self.protocol == 1 || self.protocol == 58))",
  },
  ...(["protocol", "notProtocol"] as const).flatMap((field) => [icmpFamily(field, 4), icmpFamily(field, 6)]),
  ...(["ports", "notPorts"] as const).flatMap((field) => [
    noPortsBesideServices(field),
    ...ends.map((end) => portsNeedProtocol(end, field)),
  ]),
  {
    message: "mixes IPv4 and IPv6 (nets, notNets, ipVersion): write one rule for each",
    holds: (spec) => familiesOf(spec).size <= 1,
  },
]);

/** A rule of `ingress` or `egress`; in a global policy a Service has to say its namespace. */
function ruleOfDirection(direction: Direction, scope: "namespaced" | "global") {
  const forbidden = direction === "ingress" ? ingressConstraints : egressConstraints;
  return constrained(rule, scope === "global" ? [...forbidden, servicesNeedNamespace(direction)] : forbidden);
}

/** The list of them. */
export function rulesOfDirection(direction: Direction, scope: "namespaced" | "global") {
  return asAtomic(z.array(ruleOfDirection(direction, scope)).max(1024));
}

const ingressConstraints: readonly Constraint<RuleSpec>[] = [
  forbids("destination", "services", "services may stand in the source of an ingress rule only"),
  ...ends.map((end) => forbids(end, "domains", "domains may stand in the destination of an egress rule only")),
];

const egressConstraints: readonly Constraint<RuleSpec>[] = [
  {
    message: "http may stand in ingress rules only",
    at: ["http"],
    holds: (spec) => spec.http === undefined,
    cel: "!has(self.http)",
  },
  forbids("source", "services", "services may stand in the destination of an egress rule only"),
  forbids("source", "domains", "domains may stand in the destination of an egress rule only"),
  {
    message: "domains may stand in Allow rules only",
    at: ["destination", "domains"],
    holds: (spec) => isEmpty(spec.destination?.domains) || spec.action === "Allow",
    cel: "self.action == 'Allow' || !has(self.destination) || !has(self.destination.domains) || size(self.destination.domains) == 0",
  },
  {
    message: "neither nets nor selector may stand beside domains",
    at: ["destination", "domains"],
    holds: ({ destination }) =>
      isEmpty(destination?.domains) || (isEmpty(destination?.nets) && destination?.selector === undefined),
    cel: "!has(self.destination) || !has(self.destination.domains) || size(self.destination.domains) == 0 || ((!has(self.destination.nets) || size(self.destination.nets) == 0) && (!has(self.destination.selector) || size(self.destination.selector) == 0))",
  },
];

function forbids(end: End, field: "services" | "domains", message: string): Constraint<RuleSpec> {
  const empty = field === "domains" ? ` || size(self.${end}.domains) == 0` : "";
  return {
    message,
    at: [end, field],
    holds: (spec) => isEmpty(spec[end]?.[field]),
    cel: `!has(self.${end}) || !has(self.${end}.${field})${empty}`,
  };
}

function servicesNeedNamespace(direction: Direction): Constraint<RuleSpec> {
  const end = direction === "ingress" ? "source" : "destination";
  return {
    message: "a Service in a global policy needs its namespace",
    at: [end, "services", "namespace"],
    holds: (spec) => spec[end]?.services === undefined || Boolean(spec[end].services.namespace),
    cel: `!has(self.${end}) || !has(self.${end}.services) || (has(self.${end}.services.namespace) && size(self.${end}.services.namespace) > 0)`,
  };
}

function icmpFamily(field: "protocol" | "notProtocol", family: Family): Constraint<RuleSpec> {
  const [name, number] = [family === 4 ? "ICMP" : "ICMPv6", icmpOfFamily[family]];
  return {
    message: `${field} ${name} goes with ipVersion ${family}`,
    at: ["ipVersion"],
    holds: (spec) => spec[field] !== number || spec.ipVersion === undefined || spec.ipVersion === family,
    cel: `(!has(self.${field}) || (self.${field} != '${name}' && self.${field} != ${number})) || !has(self.ipVersion) || self.ipVersion == ${family}`,
  };
}

function noPortsBesideServices(field: "ports" | "notPorts"): Constraint<RuleSpec> {
  return {
    message: `${field} may not stand beside services: the ports are those of the Service`,
    at: ["destination", field],
    holds: ({ destination }) => destination?.services === undefined || isEmpty(destination[field]),
    cel: `!has(self.destination) || !has(self.destination.services) || !has(self.destination.${field}) || size(self.destination.${field}) == 0`,
  };
}

/** Names may stand alone: who declares a port of that name says its protocol as well. */
function portsNeedProtocol(end: End, field: "ports" | "notPorts"): Constraint<RuleSpec> {
  return {
    message: `${field} need protocol TCP, UDP or SCTP`,
    at: [end, field],
    holds: ({ protocol, ...spec }) => {
      const list = spec[end]?.[field] ?? [];
      if (protocol === undefined) return list.every((port) => typeof port === "string");
      return list.length === 0 || takesPorts(protocol);
    },
  };
}

function familiesOf({ ipVersion, ...spec }: RuleSpec): ReadonlySet<Family> {
  const cidrs = ends.flatMap((end) => [...(spec[end]?.nets ?? []), ...(spec[end]?.notNets ?? [])]);
  return new Set([...cidrs.map(({ family }) => family), ...(ipVersion === undefined ? [] : [ipVersion])]);
}

const actions = { Allow: "allow", Deny: "deny", Pass: "pass", Log: "log" } as const;

/** `namespace` is that of the policy, null for a global one. */
export function ruleOf(spec: RuleSpec, index: number, namespace: string | null): Rule {
  return {
    index,
    action: actions[spec.action],
    family: spec.ipVersion ?? familyOfNotNets(spec),
    protocol: spec.protocol ?? null,
    notProtocol: spec.notProtocol ?? null,
    icmp: icmpOf(spec.icmp),
    notIcmp: icmpOf(spec.notICMP),
    source: peerOf(spec.source, namespace),
    destination: peerOf(spec.destination, namespace),
    notEnforced: [...(saysAnything(spec.http) ? ["http"] : []), ...(domainsOf(spec).length > 0 ? ["domains"] : [])],
  };
}

/** A rule that leaves out nets of one family is about that family only: "all but 10.0.0.0/8" does not mean all of IPv6. */
function familyOfNotNets({ source, destination }: RuleSpec): Family | null {
  return [...(source?.notNets ?? []), ...(destination?.notNets ?? [])][0]?.family ?? null;
}

function icmpOf(match: RuleSpec["icmp"]): IcmpMatch | null {
  if (match?.type === undefined) return null;
  return { type: match.type, ...(match.code === undefined ? {} : { code: match.code }) };
}

function domainsOf({ destination }: RuleSpec): NonNullable<EntityRule["domains"]> {
  return destination?.domains ?? [];
}

/** An empty http match asks for nothing. */
function saysAnything(match: RuleSpec["http"]): boolean {
  return Object.values(match ?? {}).some((list) => !isEmpty(list));
}

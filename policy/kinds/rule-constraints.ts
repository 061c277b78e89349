import type { Family } from "../../core/address.ts";
import { icmpOfFamily } from "../protocol.ts";
import { celAbsent, celEmpty } from "./cel.ts";
import { isEmpty } from "./entity.ts";
import type { Constraint } from "./openapi.ts";
import { takesPorts } from "./protocol-field.ts";
import type { RuleSpec } from "./rule-fields.ts";

// What fields of a rule may not say together (projectcalico.org/v3: libcalico-go/lib/validator/v3 and the CEL of its CRDs).

type RuleConstraint = Constraint<RuleSpec>;
type End = "source" | "destination";
export type Direction = "ingress" | "egress";
/** A global policy is in no namespace. */
export type Scope = "namespaced" | "global";

const ends: readonly End[] = ["source", "destination"];

/** Of a rule in that list of a policy. */
export function ruleConstraints(direction: Direction, scope: Scope): readonly RuleConstraint[] {
  return [
    ...everywhere,
    ...(direction === "ingress" ? inIngress : inEgress),
    ...(scope === "global" ? [servicesNeedNamespace(direction === "ingress" ? "source" : "destination")] : []),
  ];
}

const everywhere: readonly RuleConstraint[] = [
  {
    message: "http needs protocol TCP, or none",
    at: ["http"],
    holds: ({ http, protocol }) => http === undefined || protocol === undefined || protocol === 6,
    cel: `${celAbsent("http")} || ${celAbsent("protocol")} || self.protocol == 'TCP' || self.protocol == 6`,
  },
  {
    message: "http may stand in Allow rules only",
    at: ["http"],
    holds: ({ http, action }) => http === undefined || action === "Allow",
    cel: `${celAbsent("http")} || self.action == 'Allow'`,
  },
  {
    message: "icmp needs protocol ICMP or ICMPv6",
    at: ["icmp"],
    holds: ({ icmp, protocol }) => icmp === undefined || protocol === 1 || protocol === 58,
    cel: `${celAbsent("icmp")} || (has(self.protocol) && (self.protocol == 'ICMP' || self.protocol == 'ICMPv6' || self.protocol == 1 || self.protocol == 58))`,
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
];

const inIngress: readonly RuleConstraint[] = [
  forbids("destination", "services", "services may stand in the source of an ingress rule only"),
  ...ends.map((end) => forbids(end, "domains", "domains may stand in the destination of an egress rule only")),
];

const inEgress: readonly RuleConstraint[] = [
  {
    message: "http may stand in ingress rules only",
    at: ["http"],
    holds: ({ http }) => http === undefined,
    cel: celAbsent("http"),
  },
  forbids("source", "services", "services may stand in the destination of an egress rule only"),
  forbids("source", "domains", "domains may stand in the destination of an egress rule only"),
  {
    message: "domains may stand in Allow rules only",
    at: ["destination", "domains"],
    holds: ({ destination, action }) => isEmpty(destination?.domains) || action === "Allow",
    cel: `${celEmpty("destination.domains")} || self.action == 'Allow'`,
  },
  {
    message: "neither nets nor selector may stand beside domains",
    at: ["destination", "domains"],
    holds: ({ destination }) =>
      isEmpty(destination?.domains) || (isEmpty(destination?.nets) && destination?.selector === undefined),
    cel: `${celEmpty("destination.domains")} || (${celEmpty("destination.nets")} && ${celEmpty("destination.selector")})`,
  },
];

function forbids(end: End, field: "services" | "domains", message: string): RuleConstraint {
  const path = `${end}.${field}`;
  return {
    message,
    at: [end, field],
    holds: (spec) => isEmpty(spec[end]?.[field]),
    cel: field === "domains" ? celEmpty(path) : celAbsent(path),
  };
}

function servicesNeedNamespace(end: End): RuleConstraint {
  return {
    message: "a Service in a global policy needs its namespace",
    at: [end, "services", "namespace"],
    holds: (spec) => spec[end]?.services === undefined || Boolean(spec[end].services.namespace),
    cel: `${celAbsent(`${end}.services`)} || !${celEmpty(`${end}.services.namespace`)}`,
  };
}

function icmpFamily(field: "protocol" | "notProtocol", family: Family): RuleConstraint {
  const [name, number] = [family === 4 ? "ICMP" : "ICMPv6", icmpOfFamily[family]];
  return {
    message: `${field} ${name} goes with ipVersion ${family}`,
    at: ["ipVersion"],
    holds: (spec) => spec[field] !== number || spec.ipVersion === undefined || spec.ipVersion === family,
    cel: `${celAbsent(field)} || (self.${field} != '${name}' && self.${field} != ${number}) || ${celAbsent("ipVersion")} || self.ipVersion == ${family}`,
  };
}

function noPortsBesideServices(field: "ports" | "notPorts"): RuleConstraint {
  return {
    message: `${field} may not stand beside services: the ports are those of the Service`,
    at: ["destination", field],
    holds: ({ destination }) => destination?.services === undefined || isEmpty(destination[field]),
    cel: `${celAbsent("destination.services")} || ${celEmpty(`destination.${field}`)}`,
  };
}

/** Names may stand alone: who declares a port of that name says its protocol as well. */
function portsNeedProtocol(end: End, field: "ports" | "notPorts"): RuleConstraint {
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

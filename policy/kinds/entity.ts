import { z } from "zod";
import type { Cidr } from "../../core/address.ts";
import { exact } from "../../core/exact.ts";
import {
  inherited,
  inNamespace,
  namespaceLabel,
  namespacePrefix,
  serviceAccountLabel,
  serviceAccountPrefix,
} from "../labels.ts";
import { anyone, type Peer, type Ports } from "../model.ts";
import type { PortRange } from "../program.ts";
import { conjunction, type Selector } from "../selector/syntax.ts";
import { celAbsent, celEmpty } from "./cel.ts";
import {
  namespaceSelectorField,
  netField,
  noGlobal,
  parsed,
  portName,
  portNumber,
  selectorField,
  textLike,
} from "./fields.ts";
import { asAtomic, asIntOrString, asSet, type Constraint, constrained, withCel } from "./openapi.ts";

const port = asIntOrString(
  z.union([portNumber.transform((number): PortRange => ({ from: number, to: number })), parsed(portOf)]),
  /^[a-zA-Z0-9_.:-]{1,128}$/,
);

function portOf(text: string): PortRange | string {
  const range = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  if (!range) {
    if (portName.safeParse(text).success) return text;
    throw new Error(`"${text}" is no port: write 80, "8000:8080" or the name of a port`);
  }
  const [from, to] = [Number(range[1]), Number(range[2] ?? range[1])];
  if (from < 1 || to > 65_535 || from > to) throw new Error(`"${text}" is no range of ports between 1 and 65535`);
  return { from, to };
}

const ports = asAtomic(z.array(port).max(50));
const nets = asSet(z.array(netField).max(256));

// DNS subdomains (RFC 1123), as Kubernetes has them.
const serviceAccountName = textLike(/^[a-z0-9.-]{1,253}$/, "name of a service account");
const serviceName = textLike(/^[a-z0-9.-]{1,253}$/, "name of a Service").max(253);
const namespaceName = textLike(/^[a-z0-9-]{0,63}$/, "name of a namespace").max(253);
const domain = textLike(/^[a-zA-Z0-9_*](?:[a-zA-Z0-9_*.-]{0,252})$/, "domain name");

const fields = z.strictObject({
  nets: nets.optional().describe("The address is in one of these CIDRs, all of one family."),
  notNets: nets.optional().describe("The address is in none of these CIDRs."),
  selector: selectorField.optional().describe("By labels; in a namespaced policy within its namespace."),
  notSelector: selectorField.optional().describe("Everybody else, also outside the cluster in a global policy."),
  namespaceSelector: namespaceSelectorField
    .optional()
    .describe("By labels of the namespace; global() is what is in none."),
  serviceAccounts: z
    .strictObject({ names: asSet(z.array(serviceAccountName)).optional(), selector: selectorField.optional() })
    .optional(),
  services: z
    .strictObject({ name: serviceName, namespace: namespaceName.optional() })
    .optional()
    .describe("The pods behind a Service, as destination at its ports."),
  ports: ports.optional().describe("Numbers, ranges as 8000:8080, or names of ports."),
  notPorts: ports.optional(),
  domains: asAtomic(z.array(domain)).optional().describe("Kept, not enforced: the rule matches nothing."),
});

export type EntityRule = z.output<typeof fields>;

/** EntityRule of projectcalico.org/v3: one end of a rule. */
export const entityRule = withCel(
  constrained(fields, [
    besideServices("namespaceSelector", celEmpty),
    besideServices("serviceAccounts", celAbsent),
    besideServices("selector", celEmpty),
    besideServices("notSelector", celEmpty),
    besideServices("nets", celEmpty),
    besideServices("notNets", celEmpty),
  ]),
  noGlobal("selector"),
);

/** A Service says by itself who is meant; what else says so may not stand beside it. */
function besideServices(field: keyof EntityRule, isNone: (path: string) => string): Constraint<EntityRule> {
  return {
    message: `${field} may not stand beside services`,
    at: [field],
    holds: (entity) => entity.services === undefined || isEmpty(entity[field]),
    cel: `${celAbsent("services")} || ${isNone(field)}`,
  };
}

export function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

/** `namespace` is that of the policy, null for a global one. */
export function peerOf(entity: EntityRule | undefined, namespace: string | null): Peer {
  if (entity === undefined) return anyone;
  const { services } = entity;
  return {
    selector: effectiveSelector(entity, namespace),
    notSelector: entity.notSelector ?? null,
    nodes: null,
    service: services ? { namespace: services.namespace || (namespace ?? ""), name: services.name } : null,
    nets: distinct(entity.nets ?? []),
    notNets: distinct(entity.notNets ?? []),
    ports: portsOf(entity.ports),
    notPorts: portsOf(entity.notPorts),
  };
}

/**
 * Whom the selectors of an EntityRule mean together. A namespaced policy's selector looks at its own namespace unless
 * namespaceSelector says otherwise; a bare notSelector is bounded by the namespace as well, and is itself not namespaced.
 */
function effectiveSelector(entity: EntityRule, namespace: string | null): Selector | null {
  const parts = [...serviceAccountTerms(entity), ...(entity.selector ? [entity.selector] : [])];
  const where = namespaceTerm(entity, namespace);
  const bounded =
    where !== null && (parts.length > 0 || entity.notSelector !== undefined || entity.namespaceSelector !== undefined);
  const terms = bounded ? [where, ...parts] : parts;
  return terms.length === 0 ? null : conjunction(terms);
}

function namespaceTerm(entity: EntityRule, namespace: string | null): Selector | null {
  if (entity.namespaceSelector) return inherited(entity.namespaceSelector, namespacePrefix, namespaceLabel);
  return namespace === null ? null : inNamespace(namespace);
}

function serviceAccountTerms(entity: EntityRule): readonly Selector[] {
  const { names = [], selector } = entity.serviceAccounts ?? {};
  return [
    ...(selector ? [inherited(selector, serviceAccountPrefix, serviceAccountLabel)] : []),
    ...(names.length > 0 ? [{ op: "in", label: serviceAccountLabel, values: names } as const] : []),
  ];
}

function portsOf(list: readonly (PortRange | string)[] | undefined): Ports | null {
  if (list === undefined || list.length === 0) return null;
  return {
    ranges: exact(list.filter((entry) => typeof entry !== "string")),
    names: exact(list.filter((entry) => typeof entry === "string")),
  };
}

function distinct(cidrs: readonly Cidr[]): readonly Cidr[] {
  return [...new Map(cidrs.map((cidr) => [cidr.text, cidr])).values()];
}

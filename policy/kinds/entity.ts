import { z } from "zod";
import type { Cidr } from "../../core/address.ts";
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
import { cidrField, namespaceSelectorField, parsed, selectorField } from "./fields.ts";

const portName = /^[a-zA-Z0-9_.-]{1,128}$/;

const port = z.union([
  z
    .int()
    .min(1)
    .max(65535)
    .transform((number): PortRange => ({ from: number, to: number })),
  parsed((text): PortRange | string => {
    const range = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
    if (!range) {
      if (portName.test(text)) return text;
      throw new Error(`"${text}" is no port: write 80, "8000:8080" or the name of a port`);
    }
    const [from, to] = [Number(range[1]), Number(range[2] ?? range[1])];
    if (from < 1 || to > 65535 || from > to) throw new Error(`"${text}" is no range of ports between 1 and 65535`);
    return { from, to };
  }),
]);

const ports = z.array(port).max(50);
const nets = z.array(cidrField).max(256);

// A DNS subdomain (RFC 1123), as Kubernetes has it.
const serviceAccountName = z.string().regex(/^[a-z0-9.-]{1,253}$/, "is no name of a service account");

/** EntityRule of projectcalico.org/v3: one end of a rule. */
export const entityRule = z.strictObject({
  nets: nets.optional(),
  notNets: nets.optional(),
  selector: selectorField.optional(),
  notSelector: selectorField.optional(),
  namespaceSelector: namespaceSelectorField.optional(),
  serviceAccounts: z
    .strictObject({ names: z.array(serviceAccountName).optional(), selector: selectorField.optional() })
    .optional(),
  ports: ports.optional(),
  notPorts: ports.optional(),
});

export type EntityRule = z.output<typeof entityRule>;

/** `namespace` is that of the policy, null for a global one. */
export function peerOf(entity: EntityRule | undefined, namespace: string | null): Peer {
  if (entity === undefined) return anyone;
  return {
    selector: effectiveSelector(entity, namespace),
    notSelector: entity.notSelector ?? null,
    nodes: null,
    service: null,
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
    ranges: list.filter((entry) => typeof entry !== "string"),
    names: list.filter((entry) => typeof entry === "string"),
  };
}

function distinct(cidrs: readonly Cidr[]): readonly Cidr[] {
  return [...new Map(cidrs.map((cidr) => [cidr.text, cidr])).values()];
}

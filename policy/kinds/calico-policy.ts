import { z } from "zod";
import type { Family } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import {
  inherited,
  inNamespace,
  namespaceLabel,
  namespacePrefix,
  serviceAccountLabel,
  serviceAccountPrefix,
} from "../labels.ts";
import type { IcmpMatch, Policy, Problem, Read, Rule } from "../model.ts";
import { hasPorts, icmpOfFamily } from "../protocol.ts";
import { conjunction, type Selector } from "../selector/syntax.ts";
import { type EntityRule, entityRule, peerOf } from "./entity.ts";
import { namespaceSelectorField, readWith, selectorField, tierName } from "./fields.ts";
import { protocolField } from "./protocol-field.ts";
import { defaultTier } from "./tier.ts";

const icmp = z
  .strictObject({ type: z.int().min(0).max(254).optional(), code: z.int().min(0).max(255).optional() })
  .refine((match) => match.type !== undefined || match.code === undefined, { message: "code needs type" });

const rule = z.strictObject({
  action: z.enum(["Allow", "Deny", "Pass", "Log"]),
  metadata: z.strictObject({ annotations: z.record(z.string(), z.string()).optional() }).optional(),
  ipVersion: z.union([z.literal(4), z.literal(6)]).optional(),
  protocol: protocolField.optional(),
  notProtocol: protocolField.optional(),
  icmp: icmp.optional(),
  notICMP: icmp.optional(),
  source: entityRule.optional(),
  destination: entityRule.optional(),
});

const rules = z.array(rule).max(1024);

const common = {
  tier: z.union([z.literal("").transform(() => defaultTier.name), tierName]).default(defaultTier.name),
  order: z.number().optional(),
  selector: selectorField.optional(),
  serviceAccountSelector: selectorField.optional(),
  types: z
    .array(z.enum(["Ingress", "Egress"]))
    .max(2)
    .optional(),
  ingress: rules.optional(),
  egress: rules.optional(),
  performanceHints: z.array(z.string()).optional(),
};

const namespacedSpec = z.strictObject(common);
// Host endpoints are not known yet; what asks for none of it may be written out.
const off = z.literal(false, "is not supported by this version").optional();
const globalSpec = z.strictObject({
  ...common,
  namespaceSelector: namespaceSelectorField.optional(),
  doNotTrack: off,
  preDNAT: off,
  applyOnForward: off,
});
type Spec = z.output<typeof namespacedSpec> & Partial<z.output<typeof globalSpec>>;

/** projectcalico.org/v3 NetworkPolicy. */
export function readNetworkPolicy(object: KubeObject): Read<Policy> {
  return read(object, "np", namespacedSpec);
}

/** projectcalico.org/v3 GlobalNetworkPolicy, but for what concerns host endpoints. */
export function readGlobalNetworkPolicy(object: KubeObject): Read<Policy> {
  return read(object, "gnp", globalSpec);
}

function read(object: KubeObject, kind: "np" | "gnp", schema: z.ZodType<Spec>): Read<Policy> {
  const result = readWith(schema, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const spec = result.value;
  const problems = [...contradictions(spec.ingress, "ingress"), ...contradictions(spec.egress, "egress")];
  if (problems.length > 0) return { problems };
  const namespace = kind === "np" ? (object.metadata.namespace ?? "default") : null;
  const types = typesOf(spec);
  const rulesOf = (list: Spec["ingress"]) => (list ?? []).map((entry, index) => ruleOf(entry, index, namespace));
  return {
    value: {
      kind,
      namespace,
      name: object.metadata.name,
      tier: spec.tier,
      order: spec.order ?? Number.POSITIVE_INFINITY,
      selector: subjectOf(spec, namespace),
      lists: ["normal"],
      staged: null,
      ingress: types.includes("Ingress") ? rulesOf(spec.ingress) : null,
      egress: types.includes("Egress") ? rulesOf(spec.egress) : null,
    },
  };
}

/** Without types, or with an empty list: Ingress, unless there are egress rules only. */
function typesOf(spec: Spec): readonly ("Ingress" | "Egress")[] {
  if (spec.types?.length) return spec.types;
  const [ingress, egress] = [(spec.ingress ?? []).length > 0, (spec.egress ?? []).length > 0];
  return egress ? (ingress ? ["Ingress", "Egress"] : ["Egress"]) : ["Ingress"];
}

function subjectOf(spec: Spec, namespace: string | null): Selector {
  return conjunction([
    ...(namespace === null ? [] : [inNamespace(namespace)]),
    ...(spec.namespaceSelector ? [inherited(spec.namespaceSelector, namespacePrefix, namespaceLabel)] : []),
    ...(spec.serviceAccountSelector
      ? [inherited(spec.serviceAccountSelector, serviceAccountPrefix, serviceAccountLabel)]
      : []),
    ...(spec.selector ? [spec.selector] : []),
  ]);
}

type RuleSpec = z.output<typeof rule>;
const actions = { Allow: "allow", Deny: "deny", Pass: "pass", Log: "log" } as const;

function ruleOf(spec: RuleSpec, index: number, namespace: string | null): Rule {
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
    notEnforced: [],
  };
}

/** A rule that leaves out nets of one family is about that family only: "all but 10.0.0.0/8" does not mean all of IPv6. */
function familyOfNotNets({ source, destination }: RuleSpec): Family | null {
  return [...(source?.notNets ?? []), ...(destination?.notNets ?? [])][0]?.family ?? null;
}

function icmpOf(match: z.output<typeof icmp> | undefined): IcmpMatch | null {
  if (match?.type === undefined) return null;
  return { type: match.type, ...(match.code === undefined ? {} : { code: match.code }) };
}

/** What each field allows by itself but not together. */
function contradictions(list: Spec["ingress"], direction: string): readonly Problem[] {
  return (list ?? []).flatMap((entry, index) => {
    const at = `spec.${direction}[${index}]`;
    return [...icmpProblems(entry, at), ...portProblems(entry, at), ...familyProblems(entry, at)];
  });
}

function icmpProblems(entry: RuleSpec, at: string): readonly Problem[] {
  const isIcmp = entry.protocol === 1 || entry.protocol === 58;
  const problems: Problem[] = [];
  if ((entry.icmp || entry.notICMP) && !isIcmp)
    problems.push({ field: `${at}.icmp`, message: "icmp and notICMP need protocol ICMP or ICMPv6" });
  const family = entry.ipVersion;
  if (isIcmp && family !== undefined && entry.protocol !== icmpOfFamily[family])
    problems.push({ field: `${at}.ipVersion`, message: "ICMP goes with ipVersion 4, ICMPv6 with 6" });
  return problems;
}

function portProblems(entry: RuleSpec, at: string): readonly Problem[] {
  const numeric = (entity: EntityRule | undefined) =>
    [...(entity?.ports ?? []), ...(entity?.notPorts ?? [])].some((port) => typeof port !== "string");
  return (["source", "destination"] as const)
    .filter((end) => numeric(entry[end]) && !(entry.protocol !== undefined && hasPorts(entry.protocol)))
    .map((end) => ({ field: `${at}.${end}.ports`, message: "ports need protocol TCP, UDP, SCTP or UDPLite" }));
}

function familyProblems(entry: RuleSpec, at: string): readonly Problem[] {
  const cidrs = (["source", "destination"] as const).flatMap((end) => [
    ...(entry[end]?.nets ?? []),
    ...(entry[end]?.notNets ?? []),
  ]);
  const families = new Set<Family>(cidrs.map(({ family }) => family));
  if (entry.ipVersion !== undefined) families.add(entry.ipVersion);
  if (families.size <= 1) return [];
  return [{ field: at, message: "mixes IPv4 and IPv6 (nets, notNets, ipVersion): write one rule for each" }];
}

import { z } from "zod";
import type { KubeObject } from "../../core/kube/objects.ts";
import {
  inherited,
  inNamespace,
  namespaceLabel,
  namespacePrefix,
  serviceAccountLabel,
  serviceAccountPrefix,
} from "../labels.ts";
import type { Policy, PolicyKind, Read, StagedAction } from "../model.ts";
import { conjunction, type Selector } from "../selector/syntax.ts";
import { celEmpty, celOn } from "./cel.ts";
import { isDistinct, noGlobal, selectorField, textLike } from "./fields.ts";
import { asSet, type Constraint, constrained, withCel } from "./openapi.ts";
import { readWith } from "./reading.ts";
import { ruleOf, rulesOfDirection } from "./rule.ts";
import { defaultTier } from "./tier.ts";

/** An empty one is none, as Go has it. */
const tierField = withCel(
  textLike(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/, "name of a tier: lower case letters, digits and -")
    .max(63)
    .default(defaultTier.name),
  // Who may write in one tier could otherwise carry a policy off into it, or out of it.
  [{ rule: `${celTier("self")} == ${celTier("oldSelf")}`, message: "a policy stays in its tier: make a new one" }],
);

function celTier(of: "self" | "oldSelf"): string {
  return `(${of} == '' ? '${defaultTier.name}' : ${of})`;
}

const types = constrained(z.array(z.enum(["Ingress", "Egress"])).max(2), [
  { message: "the same type stands twice", holds: isDistinct },
]);

function specOf(scope: "namespaced" | "global") {
  return z.strictObject({
    tier: tierField.describe("The Tier that the policy stands in."),
    order: z.number().optional().describe("Lower is asked first in the tier; without it, last."),
    selector: selectorField.optional().describe("Whom the policy is about, by labels; empty is everybody."),
    serviceAccountSelector: selectorField.optional().describe("The same by labels of the service account."),
    types: asSet(types)
      .optional()
      .describe("The directions it governs; without any, those it has rules for, or Ingress."),
    ingress: rulesOfDirection("ingress", scope).optional().describe("The first rule that matches decides."),
    egress: rulesOfDirection("egress", scope).optional().describe("The first rule that matches decides."),
    performanceHints: asSet(z.array(z.enum(["AssumeNeededOnEveryNode"]))).optional(),
  });
}

const globalFields = specOf("global").extend({
  namespaceSelector: selectorField.optional().describe("Whom the policy is about, by labels of the namespace."),
  doNotTrack: z
    .boolean()
    .optional()
    .describe("Before connection tracking, for host endpoints; replies need rules too."),
  preDNAT: z.boolean().optional().describe("Before the destination is translated, for host endpoints."),
  applyOnForward: z.boolean().optional().describe("Also for what host endpoints forward."),
});

type NamespacedSpec = z.output<ReturnType<typeof specOf>>;
type GlobalSpec = z.output<typeof globalFields>;
type Spec = NamespacedSpec & Partial<GlobalSpec>;

const listConstraints: readonly Constraint<GlobalSpec>[] = [
  {
    message: "preDNAT and doNotTrack may not both be true",
    at: ["preDNAT"],
    holds: ({ preDNAT, doNotTrack }) => !(preDNAT && doNotTrack),
    cel: `!(${celOn("doNotTrack")} && ${celOn("preDNAT")})`,
  },
  {
    message: "a preDNAT policy may have no egress rules",
    at: ["egress"],
    holds: ({ preDNAT, egress }) => !preDNAT || (egress ?? []).length === 0,
    cel: `!${celOn("preDNAT")} || ${celEmpty("egress")}`,
  },
  {
    message: "a preDNAT policy may not have type Egress",
    at: ["types"],
    holds: ({ preDNAT, types }) => !preDNAT || !types?.includes("Egress"),
    cel: `!${celOn("preDNAT")} || !has(self.types) || !self.types.exists(t, t == 'Egress')`,
  },
  {
    message: "preDNAT and doNotTrack need applyOnForward: true",
    at: ["applyOnForward"],
    holds: ({ preDNAT, doNotTrack, applyOnForward }) => applyOnForward === true || !(preDNAT || doNotTrack),
    cel: `${celOn("applyOnForward")} || (!${celOn("doNotTrack")} && !${celOn("preDNAT")})`,
  },
];

export const networkPolicySpec = withCel(specOf("namespaced"), noGlobal("selector", "serviceAccountSelector"));
export const globalNetworkPolicySpec = withCel(
  constrained(globalFields, listConstraints),
  noGlobal("selector", "serviceAccountSelector", "namespaceSelector"),
);

/** projectcalico.org/v3 NetworkPolicy. */
export function readNetworkPolicy(object: KubeObject): Read<Policy> {
  return read(object, "np", networkPolicySpec);
}

/** projectcalico.org/v3 GlobalNetworkPolicy. */
export function readGlobalNetworkPolicy(object: KubeObject): Read<Policy> {
  return read(object, "gnp", globalNetworkPolicySpec);
}

function read(object: KubeObject, kind: "np" | "gnp", schema: z.ZodType<Spec>): Read<Policy> {
  const result = readWith(schema, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  return { value: policyOf(result.value, { kind, object, staged: null }) };
}

export interface PolicyIdentity {
  readonly kind: PolicyKind;
  readonly object: KubeObject;
  readonly staged: StagedAction | null;
}

/** A policy of this spec; those of kinds `gnp` and `sgnp` are in no namespace. */
export function policyOf(spec: Spec, { kind, object, staged }: PolicyIdentity): Policy {
  const namespace = kind === "gnp" || kind === "sgnp" ? null : (object.metadata.namespace ?? "default");
  const governs = typesOf(spec);
  const rulesOf = (list: Spec["ingress"]) => (list ?? []).map((entry, index) => ruleOf(entry, index, namespace));
  return {
    kind,
    namespace,
    name: object.metadata.name,
    tier: spec.tier || defaultTier.name,
    order: spec.order ?? Number.POSITIVE_INFINITY,
    selector: subjectOf(spec, namespace),
    lists: listsOf(spec),
    staged,
    ingress: governs.includes("Ingress") ? rulesOf(spec.ingress) : null,
    egress: governs.includes("Egress") ? rulesOf(spec.egress) : null,
  };
}

/** Without types, or with an empty list: Ingress, unless there are egress rules only. */
function typesOf(spec: Spec): readonly ("Ingress" | "Egress")[] {
  if (spec.types?.length) return spec.types;
  const [ingress, egress] = [(spec.ingress ?? []).length > 0, (spec.egress ?? []).length > 0];
  return egress ? (ingress ? ["Ingress", "Egress"] : ["Egress"]) : ["Ingress"];
}

function listsOf({ doNotTrack, preDNAT, applyOnForward }: Spec): Policy["lists"] {
  if (doNotTrack) return ["untracked"];
  if (preDNAT) return ["preDnat"];
  return applyOnForward ? ["normal", "forward"] : ["normal"];
}

function subjectOf(spec: Spec, namespace: string | null): Selector {
  const { selector, namespaceSelector, serviceAccountSelector } = spec;
  return conjunction([
    ...(namespace === null ? [] : [inNamespace(namespace)]),
    ...(namespaceSelector ? [inherited(namespaceSelector, namespacePrefix, namespaceLabel)] : []),
    ...(serviceAccountSelector ? [inherited(serviceAccountSelector, serviceAccountPrefix, serviceAccountLabel)] : []),
    ...(selector ? [namespace === null ? ownSelector(selector, spec) : selector] : []),
  ]);
}

/**
 * Beside a namespaceSelector, `all()` in the selector of a global policy means "everybody that is in a namespace", and beside a
 * serviceAccountSelector alone "that has a service account", as in Calico, which replaces it in the text of both.
 */
function ownSelector(selector: Selector, { namespaceSelector, serviceAccountSelector }: Spec): Selector {
  if (namespaceSelector) return withoutAll(selector, namespaceLabel);
  return serviceAccountSelector ? withoutAll(selector, serviceAccountLabel) : selector;
}

function withoutAll(selector: Selector, presence: string): Selector {
  switch (selector.op) {
    case "all":
      return { op: "has", label: presence };
    case "not":
      return { op: "not", term: withoutAll(selector.term, presence) };
    case "and":
    case "or":
      return { op: selector.op, terms: selector.terms.map((term) => withoutAll(term, presence)) };
    case "global":
    case "has":
    case "==":
    case "!=":
    case "in":
    case "not in":
    case "contains":
    case "starts with":
    case "ends with":
      return selector;
  }
}

import { z } from "zod";
import { isoTime, parseTime } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import { parseSelector } from "../selector/parse.ts";
import { parseValuePattern } from "../taxonomy/pattern.ts";
import {
  type AllowedValues,
  type CarrierKind,
  carrierKinds,
  type LabelTaxonomy,
  type Requirement,
  type Setters,
  type TaxonomyKey,
} from "../taxonomy/taxonomy.ts";
import { isDistinct, parsed, textLike } from "./fields.ts";
import { asAtomic, asMap, asSet, type CelRule, constrained } from "./openapi.ts";
import { readWith } from "./reading.ts";

// Texts that come into admission policies and messages are of one line, so that a message says who may what and nothing else.
const someone = (what: string) => textLike(/^\P{Cc}{1,253}$/u, `name of a ${what}`).max(253);
const name = textLike(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "name of an object").max(253);
const day = textLike(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, "day: write it as 2026-11-30").refine(isDay, {
  message: "there is no such day",
});
// k8s.io/apimachinery/pkg/util/validation
const key = textLike(
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  "label key of Kubernetes",
).max(317);
const value = textLike(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, "label value of Kubernetes").max(63);

const setters = constrained(
  z.strictObject({
    users: asSet(z.array(someone("user")).max(64)).optional(),
    groups: asSet(z.array(someone("group")).max(64)).optional(),
    serviceAccounts: asAtomic(z.array(z.strictObject({ namespace: name, name })).max(64)).optional(),
  }),
  [
    {
      message: "names nobody: then nobody could set the label, nor take it away",
      holds: ({ users = [], groups = [], serviceAccounts = [] }) =>
        users.length + groups.length + serviceAccounts.length > 0,
      cel: "(has(self.users) && size(self.users) > 0) || (has(self.groups) && size(self.groups) > 0) || (has(self.serviceAccounts) && size(self.serviceAccounts) > 0)",
    },
  ],
);

/** Over the labels of one object: what selectors of policies have beside those is not there. */
const selector = parsed((text) => {
  if (/global\(|projectcalico\.org\/|\bpc(ns|sa)\./.test(text))
    throw new Error("may name labels of the object only; a namespace has its name in kubernetes.io/metadata.name");
  return parseSelector(text);
}, z.string().min(1).max(1024));

const requirement = constrained(
  z.strictObject({
    kind: z.enum(carrierKinds),
    namespaceSelector: selector.optional().describe("Pods of namespaces with such labels; without it, of all."),
    selector: selector.optional().describe("Those with such labels; without it, all."),
  }),
  [
    {
      message: "only pods are in a namespace",
      at: ["namespaceSelector"],
      holds: ({ kind, namespaceSelector }) => kind === "Pod" || namespaceSelector === undefined,
      cel: "self.kind == 'Pod' || !has(self.namespaceSelector)",
    },
  ],
);

const allowedValue = z.strictObject({
  value,
  description: z.string().max(1024).optional(),
  setters: setters.optional().describe("Who may set this value and take it away, instead of the key's setters."),
});

const taxonomyKey = constrained(
  z.strictObject({
    key,
    description: z.string().max(1024).optional(),
    appliesTo: asSet(
      z
        .array(z.enum(carrierKinds))
        .min(1)
        .max(3)
        .default([...carrierKinds]),
    ),
    values: asMap(z.array(allowedValue).min(1).max(128), "value").optional(),
    pattern: parsed(parseValuePattern, z.string().min(1).max(256))
      .optional()
      .describe("Instead of values: a simple regular expression for the whole value."),
    required: asAtomic(z.array(requirement).max(16)).optional(),
    setters: setters
      .optional()
      .describe("Who may set, change and remove it; without it, whoever may write the object, but no node its own."),
    action: z.enum(["Warn", "Deny"]).describe("What becomes of a request that is against this."),
    approval: z.strictObject({ by: someone("person"), date: day.optional() }).optional(),
  }),
  [
    {
      message: "values and pattern exclude each other",
      at: ["pattern"],
      holds: ({ values, pattern }) => values === undefined || pattern === undefined,
      cel: "!(has(self.values) && has(self.pattern))",
    },
    {
      message: "is required where it does not apply (appliesTo)",
      at: ["required"],
      holds: ({ appliesTo, required = [] }) => required.every(({ kind }) => appliesTo.includes(kind)),
      cel: "!has(self.required) || self.required.all(one, one.kind in self.appliesTo)",
    },
    {
      message: "the same kind stands twice",
      at: ["appliesTo"],
      holds: ({ appliesTo }) => isDistinct(appliesTo),
    },
    {
      message: "the same value stands twice",
      at: ["values"],
      holds: ({ values }) => isDistinct(values?.map((allowed) => allowed.value)),
    },
  ],
);

export const labelTaxonomySpec = constrained(
  z.strictObject({ keys: asMap(z.array(taxonomyKey).min(1).max(64), "key") }),
  [
    {
      message: "the same key stands twice: a taxonomy of its own can say otherwise for another kind",
      at: ["keys"],
      holds: ({ keys }) => isDistinct(keys.map((one) => one.key)),
    },
  ],
);

/** A 31st of February would be read as a day of March. */
function isDay(text: string): boolean {
  const ms = parseTime(`${text}T00:00:00Z`);
  return ms !== undefined && isoTime(ms).startsWith(text);
}

/** Its name stands in a label of what is made of it. */
const taxonomyName = textLike(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  "name of a taxonomy: lower case letters, digits and -",
);

export const labelTaxonomyRules: readonly CelRule[] = [
  {
    rule: "size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",
    message: "the name of a taxonomy is a label",
  },
];

/** controls.sluice.dev/v1alpha1 LabelTaxonomy. */
export function readLabelTaxonomy(object: KubeObject): Read<LabelTaxonomy> {
  const named = readWith(taxonomyName.max(63), object.metadata.name, "metadata.name");
  if ("problems" in named) return named;
  const read = readWith(labelTaxonomySpec, object["spec"], "spec");
  if ("problems" in read) return read;
  return { value: { name: named.value, keys: read.value.keys.map(keyOf) } };
}

function keyOf(written: z.output<typeof taxonomyKey>): TaxonomyKey {
  const { appliesTo, required = [], action, approval } = written;
  return {
    key: written.key,
    appliesTo: carrierKinds.filter((kind) => appliesTo.includes(kind)),
    values: valuesOf(written),
    required: required.map(requirementOf),
    setters: settersOf(written.setters),
    action: action === "Deny" ? "deny" : "warn",
    approval: approval === undefined ? null : { by: approval.by, date: approval.date ?? null },
  };
}

function valuesOf({ values, pattern }: z.output<typeof taxonomyKey>): AllowedValues | null {
  if (pattern !== undefined) return { type: "pattern", pattern };
  if (values === undefined) return null;
  return {
    type: "list",
    values: values.map((one) => ({ value: one.value, setters: settersOf(one.setters) })),
  };
}

function requirementOf({ kind, namespaceSelector, selector: own }: z.output<typeof requirement>): Requirement {
  return { kind: kind satisfies CarrierKind, namespaceSelector: namespaceSelector ?? null, selector: own ?? null };
}

function settersOf(written: z.output<typeof setters> | undefined): Setters | null {
  if (written === undefined) return null;
  const { users = [], groups = [], serviceAccounts = [] } = written;
  const accounts = serviceAccounts.map((one) => `system:serviceaccount:${one.namespace}:${one.name}`);
  return { users: [...users, ...accounts], groups };
}

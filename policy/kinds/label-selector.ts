import { z } from "zod";
import { inherited, isPod, namespaceLabel, namespacePrefix } from "../labels.ts";
import { conjunction, type Selector } from "../selector/syntax.ts";
import { labelKey, labelsField, labelValue } from "./fields.ts";
import { asAtomic } from "./openapi.ts";

const expression = z
  .strictObject({
    key: labelKey,
    operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: asAtomic(z.array(labelValue)).optional(),
  })
  .refine(({ operator, values }) => (operator === "In" || operator === "NotIn") === (values ?? []).length > 0, {
    message: "In and NotIn need values, Exists and DoesNotExist take none",
  });

/** metav1.LabelSelector; an empty one selects everything. */
export const labelSelector = z
  .strictObject({ matchLabels: labelsField.optional(), matchExpressions: asAtomic(z.array(expression)).optional() })
  .meta({ "x-kubernetes-map-type": "atomic" });

export type LabelSelector = z.output<typeof labelSelector>;

/** The terms of a metav1.LabelSelector; none means all. */
export function terms(selector: LabelSelector): readonly Selector[] {
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...labels.map(([label, value]): Selector => ({ op: "==", label, value })),
    ...(selector.matchExpressions ?? []).map(expressionTerm),
  ];
}

/** Pods that `pods` selects in the namespaces that `namespaces` selects. */
export function podsIn(namespaces: LabelSelector, pods: LabelSelector): Selector {
  return conjunction([
    isPod,
    inherited(conjunction(terms(namespaces)), namespacePrefix, namespaceLabel),
    ...terms(pods),
  ]);
}

function expressionTerm({ key, operator, values }: z.output<typeof expression>): Selector {
  switch (operator) {
    case "In":
      return { op: "in", label: key, values: values ?? [] };
    case "NotIn":
      return { op: "not in", label: key, values: values ?? [] };
    case "Exists":
      return { op: "has", label: key };
    case "DoesNotExist":
      return { op: "not", term: { op: "has", label: key } };
  }
}

import type { KubeObject } from "../../core/kube/objects.ts";
import { celList } from "./cel-text.ts";
import { type Target, targets } from "./targets.ts";
import type { LabelTaxonomy, TaxonomyKey } from "./taxonomy.ts";
import { after, before, ofNamespace, type Validation, validationsOf } from "./validations.ts";

/** By these labels the objects that were made of a taxonomy are found again. */
export const taxonomyLabel = "controls.sluice.dev/taxonomy";

/**
 * The ValidatingAdmissionPolicies that hold a cluster to a taxonomy, each followed by its binding: one per target and action, as an
 * action is that of a binding.
 */
export function admissionOf(taxonomy: LabelTaxonomy): readonly KubeObject[] {
  return targets.flatMap((target) =>
    (["deny", "warn"] as const).flatMap((action) => {
      const validations = validationsFor(taxonomy, target, action);
      if (validations.length === 0) return [];
      const name = `sluice-labels-${taxonomy.name}-${target.name}-${action}`;
      const metadata = { name, labels: { [taxonomyLabel]: taxonomy.name } };
      return [policyOf(metadata, target, action, validations), bindingOf(metadata, action)];
    }),
  );
}

function validationsFor({ name, keys }: LabelTaxonomy, target: Target, action: Action): readonly Validation[] {
  return keys
    .filter((key) => key.action === action && key.appliesTo.includes(target.kind))
    .flatMap((key) => validationsOf(key, target))
    .map((validation) => ({ ...validation, message: `${validation.message} (LabelTaxonomy ${name})` }));
}

type Action = TaxonomyKey["action"];

const api = "admissionregistration.k8s.io/v1";

function policyOf(
  metadata: KubeObject["metadata"],
  target: Target,
  action: Action,
  validations: readonly Validation[],
): KubeObject {
  return {
    apiVersion: api,
    kind: "ValidatingAdmissionPolicy",
    metadata,
    spec: {
      // What cannot be judged is not let in; but a warning refuses nothing.
      failurePolicy: action === "deny" ? "Fail" : "Ignore",
      matchConstraints: {
        resourceRules: target.resources.map(({ group, names }) => ({
          apiGroups: [group],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          resources: [...names],
        })),
      },
      ...(target.makers.length === 0 ? {} : { matchConditions: [notMade(target.makers)] }),
      variables: variablesOf(target),
      validations,
    },
  };
}

/** They make objects only; what they change has the labels that it had. */
function notMade(makers: readonly string[]) {
  const expression = `!(request.operation == 'CREATE' && request.userInfo.username in ${celList(makers)})`;
  return { name: "not-made-of-a-template", expression };
}

function variablesOf({ labels, kind }: Target) {
  const variable = (path: string, expression: string) => ({ name: path.replace("variables.", ""), expression });
  return [
    variable(after, labels("object")),
    variable(before, `oldObject == null ? {} : ${labels("oldObject")}`),
    ...(kind === "Pod" ? [variable(ofNamespace, "namespaceObject.metadata.?labels.orValue({})")] : []),
  ];
}

function bindingOf(metadata: KubeObject["metadata"], action: Action): KubeObject {
  return {
    apiVersion: api,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata,
    spec: { policyName: metadata.name, validationActions: action === "deny" ? ["Deny", "Audit"] : ["Warn", "Audit"] },
  };
}

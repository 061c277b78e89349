import { z } from "zod";
import type { CustomResource } from "./kinds/custom-resources.ts";

// CustomResourceDefinitions (apiextensions.k8s.io/v1) from the schemas by which the parser reads.

export type JsonSchema = { readonly [key: string]: unknown };

/** The API server and kubectl show the resources of one category together. */
const category = "sluice";

/** By which the definitions, and all objects of an installation, are known as ours. */
export const ownLabels = { "app.kubernetes.io/name": "sluice" } as const;

/** Whether a definition that a cluster has is one of these, and not somebody else's of that name. */
export function isOwn({ metadata }: Labelled): boolean {
  return Object.entries(ownLabels).every(([name, value]) => metadata.labels?.[name] === value);
}

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}

/** metav1.Condition (k8s.io/apimachinery/pkg/apis/meta/v1). */
const condition: JsonSchema = {
  type: "object",
  required: ["type", "status", "lastTransitionTime", "reason", "message"],
  properties: {
    type: { type: "string", maxLength: 316 },
    status: { type: "string", enum: ["True", "False", "Unknown"] },
    observedGeneration: { type: "integer", format: "int64", minimum: 0 },
    lastTransitionTime: { type: "string", format: "date-time" },
    reason: { type: "string", minLength: 1, maxLength: 1024 },
    message: { type: "string", maxLength: 32_768 },
  },
};

const status: JsonSchema = {
  type: "object",
  properties: {
    conditions: {
      type: "array",
      items: condition,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    },
  },
};

/** The manifest of a resource, as kubectl takes it. */
export function crdOf(resource: CustomResource): JsonSchema {
  const { group, version, kind, plural, shortNames, scope, columns, selectable } = resource;
  const names = { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), categories: [category] };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels: ownLabels },
    spec: {
      group,
      scope,
      names: shortNames.length === 0 ? names : { ...names, shortNames },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          ...(selectable.length === 0 ? {} : { selectableFields: selectable.map((jsonPath) => ({ jsonPath })) }),
          schema: { openAPIV3Schema: objectSchema(resource) },
        },
      ],
    },
  };
}

function objectSchema({ description, spec, rules }: CustomResource): JsonSchema {
  const needsSpec = !spec.safeParse({}).success;
  const written = structural(z.toJSONSchema(spec, { io: "input", unrepresentable: "any" }));
  return {
    type: "object",
    description,
    required: ["metadata", ...(needsSpec ? ["spec"] : [])],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      // An object without a spec would have none of the defaults below it, and rules about changes would not be asked.
      spec: needsSpec ? written : { default: {}, ...written },
      status,
    },
    ...(rules.length === 0 ? {} : { "x-kubernetes-validations": rules }),
  };
}

/** JSON Schema as the API server takes it: every node has one type, and unknown fields are its business (it drops them). */
function structural(schema: JsonSchema): JsonSchema {
  const { $schema: _, properties, items, additionalProperties, propertyNames: __, anyOf, ...rest } = schema;
  if (rest["x-kubernetes-int-or-string"]) return { anyOf: [{ type: "integer" }, { type: "string" }], ...rest };
  return {
    ...withoutBounds(rest),
    ...(properties ? { properties: mapped(properties as JsonSchema) } : {}),
    ...(items ? { items: structural(items as JsonSchema) } : {}),
    ...(isSchema(additionalProperties) ? { additionalProperties: structural(additionalProperties) } : {}),
  };
}

function mapped(properties: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, structural(field as JsonSchema)]));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}

/** zod bounds every whole number by what JavaScript can hold. */
function withoutBounds(schema: JsonSchema): JsonSchema {
  const bounds = new Set<unknown>([Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => !bounds.has(value)));
}

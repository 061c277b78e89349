import assert from "node:assert/strict";
import { z } from "zod";
import { crdOf, type JsonSchema } from "../../policy/crd.ts";
import { type CustomResource, customResources } from "../../policy/kinds/custom-resources.ts";
import { problemsOf } from "../../policy/kinds/read.ts";
import { specs } from "../support/custom-resource-specs.ts";
import { type Schema, schemaFaults } from "../support/json-schema.ts";

const schemas = new Map(customResources.map((resource) => [resource.kind, schemaOf(resource)]));

const apiVersions = new Map(customResources.map(({ kind, group, version }) => [kind, `${group}/${version}`]));

function schemaOf(resource: CustomResource): Schema {
  const crd = crdOf(resource) as { spec: { versions: [{ schema: { openAPIV3Schema: Schema } }] } };
  return crd.spec.versions[0].schema.openAPIV3Schema;
}

describe("custom resource definitions", () => {
  for (const [kind, { good, bad }] of Object.entries(specs)) {
    for (const spec of good)
      it(`and the parser take a ${kind} of ${short(spec)}`, () => assert.deepEqual(verdicts(kind, spec), [[], []]));
    for (const spec of bad)
      it(`and the parser refuse a ${kind} of ${short(spec)}`, () => {
        const [schema, parser] = verdicts(kind, spec);
        assert.ok(schema.length > 0, "the CRD takes it");
        assert.ok(parser.length > 0, "the parser takes it");
      });
  }

  it("stand in a table of examples, every kind of them", () => {
    assert.deepEqual(Object.keys(specs).sort(), customResources.map(({ kind }) => kind).sort());
  });

  for (const resource of customResources)
    it(`has every field of a ${resource.kind} that the parser reads`, () => {
      const written = z.toJSONSchema(resource.spec, { io: "input", unrepresentable: "any" }) as JsonSchema;
      const inCrd = schemaOf(resource).properties?.["spec"];
      assert.deepEqual(paths(inCrd as JsonSchema), paths(written));
    });

  for (const resource of customResources)
    it(`is structural for a ${resource.kind}: every node has one type, and nothing points elsewhere`, () => {
      for (const [path, node] of nodes(schemaOf(resource) as JsonSchema)) {
        assert.ok(node["type"] !== undefined || node["x-kubernetes-int-or-string"] === true, `${path} has no type`);
        for (const key of ["$ref", "oneOf", "not", "const", "allOf", "propertyNames", "definitions"])
          assert.ok(!(key in node), `${path} has ${key}`);
        assert.ok(
          node["additionalProperties"] !== false,
          `${path} forbids further fields, which is pruning's business`,
        );
        assert.ok(node["anyOf"] === undefined || node["x-kubernetes-int-or-string"] === true, `${path} has anyOf`);
      }
    });

  const cel = (kind: string, path: string) =>
    (nodes(schemas.get(kind) as JsonSchema).find(([at]) => at === path)?.[1]["x-kubernetes-validations"] ??
      []) as readonly {
      rule: string;
    }[];

  for (const { title, kind, path, says } of [
    { title: "what the default tier is, always", kind: "Tier", path: "", says: "self.spec.order == 1000000.0" },
    {
      title: "that preDNAT needs applyOnForward",
      kind: "GlobalNetworkPolicy",
      path: ".spec",
      says: "has(self.applyOnForward)",
    },
    {
      title: "the same of staged policies",
      kind: "StagedGlobalNetworkPolicy",
      path: ".spec",
      says: "has(self.applyOnForward)",
    },
    {
      title: "where global() may stand",
      kind: "NetworkPolicy",
      path: ".spec",
      says: "self.selector.contains('global(')",
    },
    {
      title: "that ICMP needs its protocol",
      kind: "NetworkPolicy",
      path: ".spec.egress[]",
      says: "self.protocol == 'ICMPv6'",
    },
    { title: "how policies are named", kind: "NetworkPolicy", path: "", says: "self.metadata.name.matches(" },
    {
      title: "that a host endpoint is somewhere",
      kind: "HostEndpoint",
      path: ".spec",
      says: "size(self.expectedIPs)",
    },
    {
      title: "that a label is required only where it applies",
      kind: "LabelTaxonomy",
      path: ".spec.keys[]",
      says: "one.kind in self.appliesTo",
    },
  ])
    it(`say in CEL ${title}`, () => {
      const found = cel(kind, path).map(({ rule }) => rule);
      assert.ok(
        found.some((text) => text.includes(says)),
        found.join("\n"),
      );
    });
});

/** Faults that the schema of the CRD and the parser find. */
function verdicts(kind: string, spec: object): [readonly string[], readonly string[]] {
  const object = { apiVersion: apiVersions.get(kind) ?? "", kind, metadata: { name: "p", namespace: "a" }, spec };
  const parser = problemsOf(object).map(({ field, message }) => `${field}: ${message}`);
  return [schemaFaults(schemas.get(kind) as Schema, object).filter((path) => !path.startsWith(".metadata")), parser];
}

function nodes(schema: JsonSchema, at = ""): readonly (readonly [string, JsonSchema])[] {
  const {
    properties = {},
    items,
    additionalProperties,
  } = schema as {
    properties?: Record<string, JsonSchema>;
    items?: JsonSchema;
    additionalProperties?: JsonSchema | boolean;
  };
  return [
    [at, schema],
    ...Object.entries(properties).flatMap(([name, field]) => nodes(field, `${at}.${name}`)),
    ...(items ? nodes(items, `${at}[]`) : []),
    ...(typeof additionalProperties === "object" ? nodes(additionalProperties, `${at}{}`) : []),
  ];
}

function paths(schema: JsonSchema): readonly string[] {
  return nodes(schema).map(([path]) => path);
}

function short(spec: object): string {
  const text = JSON.stringify(spec);
  return text.length > 70 ? `${text.slice(0, 70)}…` : text;
}

import assert from "node:assert/strict";
import { z } from "zod";
import { crdOf, type JsonSchema } from "../../policy/crd.ts";
import { type CustomResource, customResources } from "../../policy/kinds/custom-resources.ts";
import { problemsOf } from "../../policy/kinds/read.ts";
import { type Schema, schemaFaults } from "../support/json-schema.ts";
import { labelTaxonomySpecs } from "../support/label-taxonomy-specs.ts";

const schemas = new Map(customResources.map((resource) => [resource.kind, schemaOf(resource)]));

const apiVersions = new Map(customResources.map(({ kind, group, version }) => [kind, `${group}/${version}`]));

function schemaOf(resource: CustomResource): Schema {
  const crd = crdOf(resource) as { spec: { versions: [{ schema: { openAPIV3Schema: Schema } }] } };
  return crd.spec.versions[0].schema.openAPIV3Schema;
}

const rule = (fields: object) => ({ ingress: [{ action: "Allow", ...fields }] });

// What CEL or text of a certain form decides is not in the schema and does not stand here.
const specs: Readonly<Record<string, { readonly good: readonly object[]; readonly bad: readonly object[] }>> = {
  GlobalNetworkPolicy: {
    good: [
      {},
      { tier: "", order: -1.5, types: [], doNotTrack: false },
      { types: ["Ingress", "Egress"], performanceHints: ["AssumeNeededOnEveryNode"] },
      rule({ protocol: 255, notProtocol: "UDPLite", metadata: { annotations: { a: "b" } } }),
      rule({ protocol: "TCP", source: { ports: [1, 65_535, "1:2", "http"], nets: ["10.0.0.0/8"] } }),
      rule({ protocol: "ICMP", icmp: { type: 254, code: 255 }, ipVersion: 4 }),
      rule({
        http: { methods: ["GET"], paths: [{ exact: "/" }], headers: [{ header: "a", operator: "In", values: [] }] },
      }),
      rule({ source: { services: { name: "a", namespace: "b" } } }),
      rule({ source: { serviceAccounts: { names: ["a"], selector: "has(b)" }, namespaceSelector: "global()" } }),
      { egress: [{ action: "Allow", destination: { domains: ["example.com"] } }] },
    ],
    bad: [
      { tier: "Upper" },
      { tier: "x".repeat(64) },
      { tier: 1 },
      { order: "1" },
      { selector: "x".repeat(1025) },
      { types: ["ingress"] },
      { types: ["Ingress", "Egress", "Ingress"] },
      { doNotTrack: "true" },
      { performanceHints: ["Fast"] },
      { ingress: {} },
      { ingress: [{}] },
      { ingress: Array.from({ length: 1025 }, () => ({ action: "Allow" })) },
      { nonsense: 1 },
      rule({ action: "allow" }),
      rule({ ipVersion: 5 }),
      rule({ protocol: "T-C-P" }),
      rule({ protocol: 1.5 }),
      rule({ icmp: { type: 255 } }),
      rule({ icmp: { type: -1 } }),
      rule({ icmp: { type: 1, code: 256 } }),
      rule({ source: { ports: Array.from({ length: 51 }, () => 1) } }),
      rule({ source: { ports: ["a b"] } }),
      rule({ source: { nets: Array.from({ length: 257 }, () => "10.0.0.0/8") } }),
      rule({ source: { services: {} } }),
      rule({ source: { serviceAccounts: { names: ["no name"] } } }),
      rule({ source: { notSelector: "x".repeat(1025) } }),
      rule({ http: { methods: Array.from({ length: 21 }, (_, i) => String(i)) } }),
      rule({ http: { headers: [{}] } }),
      rule({ metadata: { annotations: { a: 1 } } }),
    ],
  },
  NetworkPolicy: { good: [{}, { selector: "a == 'b'" }], bad: [{ namespaceSelector: "has(a)" }, { preDNAT: true }] },
  StagedNetworkPolicy: {
    good: [{}, { stagedAction: "Delete", tier: "t" }, { stagedAction: "Learn", order: 1 }],
    bad: [{ stagedAction: "set" }],
  },
  StagedGlobalNetworkPolicy: { good: [{ stagedAction: "Ignore" }], bad: [{ stagedAction: "" }] },
  StagedKubernetesNetworkPolicy: {
    good: [
      {},
      {
        stagedAction: "Set",
        podSelector: { matchLabels: { a: "b" }, matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] },
        policyTypes: ["Egress"],
        ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }], ports: [{ port: "http" }] }],
        egress: [{ to: [{ namespaceSelector: {} }], ports: [{ protocol: "SCTP", port: 1, endPort: 2 }] }],
      },
    ],
    bad: [
      { tier: "t" },
      { podSelector: { matchLabels: { a: 1 } } },
      { podSelector: { matchExpressions: [{ operator: "In" }] } },
      { ingress: [{ ports: [{ protocol: "ICMP" }] }] },
      { ingress: [{ ports: [{ port: 1.5 }] }] },
      { ingress: [{ from: [{ ipBlock: {} }] }] },
    ],
  },
  LabelTaxonomy: labelTaxonomySpecs,
  Tier: { good: [{}, { order: 5 }, { defaultAction: "Pass" }], bad: [{ defaultAction: "Allow" }, { order: "5" }] },
  NetworkSet: {
    good: [{}, { nets: ["10.0.0.0/8", "::1"] }],
    bad: [{ nets: "10.0.0.0/8" }, { allowedEgressDomains: ["a b"] }],
  },
  GlobalNetworkSet: { good: [{ allowedEgressDomains: ["*.example.com"] }], bad: [{ net: [] }] },
  ChangePolicy: {
    good: [
      { allow: [{}] },
      {
        appliesTo: [{}, { kinds: ["Tier"], tiers: ["security"], namespaces: ["prod"] }],
        allow: [
          {
            actors: { users: ["ann@example.com"], serviceAccounts: [{ namespace: "flux-system", name: "sync" }] },
            windows: [
              { from: "22:00", to: "24:00" },
              { days: ["Mon"], from: "00:00", to: "02:00", timeZone: "UTC" },
            ],
            ticket: { annotation: "example.com/ticket", pattern: "CHG[0-9]{7}", fresh: true },
            approval: { annotation: "approved", approvers: { groups: ["leads"] }, withinMinutes: 5 },
          },
        ],
        freezes: [{ from: "2026-12-20T00:00:00Z", to: "2027-01-06T00:00:00+01:00", reason: "holidays" }],
      },
    ],
    bad: [
      {},
      { allow: [] },
      { allow: [{ actors: { users: ["two\nlines"] } }] },
      { allow: [{ windows: [{ from: "9:00", to: "17:00" }] }] },
      { allow: [{ windows: [{ from: "09:00", to: "24:01" }] }] },
      { allow: [{ windows: [{ from: "09:00", to: "17:00", days: ["Monday"] }] }] },
      { allow: [{ ticket: { annotation: "a b", pattern: "x" } }] },
      { allow: [{ ticket: { annotation: "a" } }] },
      { allow: [{ approval: { annotation: "a", withinMinutes: 0 } }] },
      { allow: [{}], appliesTo: [{ kinds: ["tier"] }] },
      { allow: [{}], appliesTo: [{ tiers: ["Security"] }] },
      { allow: [{}], freezes: [{ from: "2026-12-20T00:00:00Z" }] },
    ],
  },
  HostEndpoint: {
    good: [
      { node: "n", interfaceName: "*" },
      { node: "n", expectedIPs: ["10.0.0.1"], profiles: ["p"], ports: [{ name: "a", protocol: "TCP", port: 1 }] },
    ],
    bad: [
      { node: "", interfaceName: "*" },
      { interfaceName: "*" },
      { node: "n", interfaceName: "a".repeat(16) },
      { node: "n", interfaceName: "*", ports: [{ name: "a", protocol: "TCP", port: 0 }] },
      { node: "n", interfaceName: "*", ports: [{ name: "a", port: 1 }] },
    ],
  },
};

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
  const object = { apiVersion: apiVersions.get(kind) as string, kind, metadata: { name: "p", namespace: "a" }, spec };
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

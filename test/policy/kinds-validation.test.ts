import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../../core/kube/objects.ts";
import { problemsOf, readFact } from "../../policy/kinds/read.ts";

// Verdicts of projectcalico.org/v3 (libcalico-go/lib/validator/v3 and the CEL of its CRDs): one field beside another.

const calico = (kind: string, spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name: "p", namespace: "a", ...metadata },
  spec,
});
const global = (spec: object) => calico("GlobalNetworkPolicy", spec);
const ingress = (rule: object) => global({ ingress: [{ action: "Allow", ...rule }] });
const egress = (rule: object) => global({ egress: [{ action: "Allow", ...rule }] });
const service = { services: { name: "s", namespace: "n" } };
const named = (kind: string, name: string) => calico(kind, kind === "Tier" ? { order: 1 } : {}, { name });

interface Refusal {
  readonly title: string;
  readonly object: KubeObject;
  readonly field: string;
  readonly says: RegExp;
}

const refused: readonly Refusal[] = [
  ...["selector", "notSelector", "namespaceSelector"].map((field) => ({
    title: `services beside ${field}`,
    object: ingress({ source: { ...service, [field]: "has(a)" } }),
    field: `spec.ingress[0].source.${field}`,
    says: /beside services/,
  })),
  ...["nets", "notNets"].map((field) => ({
    title: `services beside ${field}`,
    object: ingress({ source: { ...service, [field]: ["10.0.0.0/8"] } }),
    field: `spec.ingress[0].source.${field}`,
    says: /beside services/,
  })),
  {
    title: "services beside serviceAccounts",
    object: ingress({ source: { ...service, serviceAccounts: {} } }),
    field: "spec.ingress[0].source.serviceAccounts",
    says: /beside services/,
  },
  ...["ports", "notPorts"].map((field) => ({
    title: `services beside ${field}`,
    object: egress({ protocol: "TCP", destination: { ...service, [field]: [80] } }),
    field: `spec.egress[0].destination.${field}`,
    says: /the ports are those of the Service/,
  })),
  {
    title: "services in the destination of an ingress rule",
    object: ingress({ destination: service }),
    field: "spec.ingress[0].destination.services",
    says: /source of an ingress rule only/,
  },
  {
    title: "services in the source of an egress rule",
    object: egress({ source: service }),
    field: "spec.egress[0].source.services",
    says: /destination of an egress rule only/,
  },
  {
    title: "a Service without namespace in a global policy",
    object: egress({ destination: { services: { name: "s" } } }),
    field: "spec.egress[0].destination.services.namespace",
    says: /needs its namespace/,
  },
  {
    title: "a Service without a name",
    object: egress({ destination: { services: { namespace: "n" } } }),
    field: "spec.egress[0].destination.services.name",
    says: /is missing/,
  },
  ...["UDP", 17].map((protocol) => ({
    title: `http with protocol ${protocol}`,
    object: ingress({ protocol, http: {} }),
    field: "spec.ingress[0].http",
    says: /needs protocol TCP/,
  })),
  {
    title: "http in a Deny rule",
    object: ingress({ action: "Deny", http: {} }),
    field: "spec.ingress[0].http",
    says: /Allow rules only/,
  },
  {
    title: "http in an egress rule",
    object: egress({ http: {} }),
    field: "spec.egress[0].http",
    says: /ingress rules only/,
  },
  {
    title: "a path that is exact and a prefix",
    object: ingress({ http: { paths: [{ exact: "/a", prefix: "/b" }] } }),
    field: "spec.ingress[0].http.paths[0]",
    says: /exactly one/,
  },
  {
    title: "a path with a query",
    object: ingress({ http: { paths: [{ prefix: "/a?b" }] } }),
    field: "spec.ingress[0].http.paths[0]",
    says: /begins with \//,
  },
  {
    title: "an http method twice",
    object: ingress({ http: { methods: ["GET", "GET"] } }),
    field: "spec.ingress[0].http.methods",
    says: /twice/,
  },
  {
    title: "domains of a source",
    object: ingress({ source: { domains: ["example.com"] } }),
    field: "spec.ingress[0].source.domains",
    says: /destination of an egress rule only/,
  },
  {
    title: "domains in a Deny rule",
    object: egress({ action: "Deny", destination: { domains: ["example.com"] } }),
    field: "spec.egress[0].destination.domains",
    says: /Allow rules only/,
  },
  {
    title: "domains beside a selector",
    object: egress({ destination: { domains: ["example.com"], selector: "has(a)" } }),
    field: "spec.egress[0].destination.domains",
    says: /neither nets nor selector/,
  },
  {
    title: "UDPLite with a port",
    object: egress({ protocol: "UDPLite", destination: { ports: [80] } }),
    field: "spec.egress[0].destination.ports",
    says: /TCP, UDP or SCTP/,
  },
  {
    title: "a named port of a protocol without ports",
    object: egress({ protocol: "ICMP", destination: { ports: ["http"] } }),
    field: "spec.egress[0].destination.ports",
    says: /TCP, UDP or SCTP/,
  },
  {
    title: "a number among notPorts without protocol",
    object: egress({ source: { notPorts: ["http", 80] } }),
    field: "spec.egress[0].source.notPorts",
    says: /TCP, UDP or SCTP/,
  },
  {
    title: "notProtocol ICMPv6 in IPv4",
    object: ingress({ ipVersion: 4, notProtocol: 58 }),
    field: "spec.ingress[0].ipVersion",
    says: /notProtocol ICMPv6 goes with ipVersion 6/,
  },
  {
    title: "icmp of another protocol",
    object: ingress({ protocol: "TCP", icmp: { type: 8 } }),
    field: "spec.ingress[0].icmp",
    says: /ICMP or ICMPv6/,
  },
  {
    title: "an ICMP type above 254",
    object: ingress({ protocol: "ICMP", icmp: { type: 255 } }),
    field: "spec.ingress[0].icmp.type",
    says: /^255 is out of range \(at most 254\)$/,
  },
  {
    title: "an address among nets",
    object: ingress({ source: { nets: ["10.0.0.1"] } }),
    field: "spec.ingress[0].source.nets[0]",
    says: /write 10\.0\.0\.1\/32/,
  },
  {
    title: "nets of one family and notNets of the other",
    object: ingress({ source: { nets: ["10.0.0.0/8"] }, destination: { notNets: ["fd00::/8"] } }),
    field: "spec.ingress[0]",
    says: /mixes IPv4 and IPv6/,
  },
  {
    title: "51 ports",
    object: ingress({ protocol: "TCP", source: { ports: Array.from({ length: 51 }, (_, i) => i + 1) } }),
    field: "spec.ingress[0].source.ports",
    says: /^51 entries \(at most 50\)$/,
  },
  {
    title: "257 nets",
    object: ingress({ source: { nets: Array.from({ length: 257 }, (_, i) => `10.0.${i % 256}.0/24`) } }),
    field: "spec.ingress[0].source.nets",
    says: /^257 entries \(at most 256\)$/,
  },
  {
    title: "1025 rules",
    object: global({ ingress: Array.from({ length: 1025 }, () => ({ action: "Allow" })) }),
    field: "spec.ingress",
    says: /^1025 entries \(at most 1024\)$/,
  },
  {
    title: "the same type twice",
    object: global({ types: ["Ingress", "Ingress"] }),
    field: "spec.types",
    says: /twice/,
  },
  ...["selector", "namespaceSelector", "serviceAccountSelector"].map((field) => ({
    title: `global() in the ${field} of a policy`,
    object: global({ [field]: "global()" }),
    field: `spec.${field}`,
    says: /namespaceSelector of a rule only/,
  })),
  {
    title: "global() beside something else",
    object: ingress({ source: { namespaceSelector: "global() || has(a)" } }),
    field: "spec.ingress[0].source.namespaceSelector",
    says: /must stand alone/,
  },
  ...["GlobalNetworkPolicy", "StagedGlobalNetworkPolicy"].flatMap((kind) => [
    {
      title: `preDNAT and doNotTrack in a ${kind}`,
      object: calico(kind, { preDNAT: true, doNotTrack: true, applyOnForward: true }),
      field: "spec.preDNAT",
      says: /may not both be true/,
    },
    {
      title: `doNotTrack without applyOnForward in a ${kind}`,
      object: calico(kind, { doNotTrack: true }),
      field: "spec.applyOnForward",
      says: /need applyOnForward/,
    },
    {
      title: `egress rules of a preDNAT ${kind}`,
      object: calico(kind, { preDNAT: true, applyOnForward: true, egress: [{ action: "Allow" }] }),
      field: "spec.egress",
      says: /no egress rules/,
    },
    {
      title: `type Egress of a preDNAT ${kind}`,
      object: calico(kind, { preDNAT: true, applyOnForward: true, types: ["Egress"] }),
      field: "spec.types",
      says: /type Egress/,
    },
  ]),
  {
    title: "fields of host endpoints in a namespaced policy",
    object: calico("NetworkPolicy", { applyOnForward: true }),
    field: "spec.applyOnForward",
    says: /is not known/,
  },
  {
    title: "an order beside stagedAction: Delete",
    object: calico("StagedNetworkPolicy", { stagedAction: "Delete", order: 0 }),
    field: "spec.order",
    says: /beside stagedAction: Delete/,
  },
  {
    title: "a podSelector beside stagedAction: Delete",
    object: calico("StagedKubernetesNetworkPolicy", {
      stagedAction: "Delete",
      podSelector: { matchLabels: { a: "b" } },
    }),
    field: "spec.podSelector",
    says: /beside stagedAction: Delete/,
  },
  {
    title: "a network set that says its own namespace",
    object: calico("NetworkSet", {}, { labels: { "projectcalico.org/namespace": "b" } }),
    field: "metadata.labels.projectcalico.org/namespace",
    says: /may not be set/,
  },
  {
    title: "a host endpoint that is nowhere",
    object: calico("HostEndpoint", { node: "n", interfaceName: "" }),
    field: "spec.interfaceName",
    says: /is missing/,
  },
  {
    title: "a port of a host endpoint by ICMP",
    object: calico("HostEndpoint", {
      node: "n",
      interfaceName: "*",
      ports: [{ name: "a", protocol: "ICMP", port: 1 }],
    }),
    field: "spec.ports[0].protocol",
    says: /only TCP, UDP and SCTP/,
  },
  {
    title: "a former admin tier that denies",
    object: calico("Tier", { order: 1000 }, { name: "adminnetworkpolicy" }),
    field: "spec",
    says: /has order 1000 and defaultAction Pass, always$/,
  },
  {
    title: "an exception outside its block",
    object: {
      ...calico("NetworkPolicy", {
        ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }] }],
      }),
      apiVersion: "networking.k8s.io/v1",
    },
    field: "spec.ingress[0].from[0].ipBlock.except",
    says: /within cidr/,
  },
  {
    title: "a key that would write on the terminal",
    object: global({ "\u001b[2J": 1 }),
    field: 'spec."\\u001b[2J"',
    says: /is not known/,
  },
  {
    title: "a cluster policy without subject",
    object: {
      ...calico("ClusterNetworkPolicy", { tier: "Admin", priority: 1 }),
      apiVersion: "policy.networking.k8s.io/v1alpha2",
    },
    field: "spec.subject",
    says: /is missing/,
  },
  {
    title: "a baseline policy of another name",
    object: {
      ...calico("BaselineAdminNetworkPolicy", { subject: { namespaces: {} } }),
      apiVersion: "policy.networking.k8s.io/v1alpha1",
    },
    field: "metadata.name",
    says: /called "default"/,
  },
  ...[
    ["Tier", "a.b"],
    ["Tier", "x".repeat(64)],
    ["NetworkPolicy", "a.b.c"],
    ["NetworkPolicy", "Upper"],
    ["NetworkPolicy", "knp.default."],
    ["GlobalNetworkPolicy", "a.b.c"],
    ["GlobalNetworkPolicy", "knp.default.a"],
    ["StagedGlobalNetworkPolicy", "a|b"],
    ["NetworkSet", "a..b"],
    ["HostEndpoint", "-a"],
    ["NetworkSet", "x".repeat(254)],
  ].map(([kind, name]) => ({
    title: `the name ${name?.slice(0, 20)} of a ${kind}`,
    object: named(kind as string, name as string),
    field: "metadata.name",
    says: /is no name of|at most/,
  })),
];

const accepted: readonly { readonly title: string; readonly object: KubeObject }[] = [
  ...[
    ["NetworkPolicy", "tier.name"],
    ["NetworkPolicy", "knp.default.a.b.c"],
    ["StagedNetworkPolicy", "a"],
    ["GlobalNetworkPolicy", "tier.name"],
    ["StagedKubernetesNetworkPolicy", "a.b.c"],
    ["GlobalNetworkSet", "a.b.c"],
    ["Tier", "x".repeat(63)],
  ].map(([kind, name]) => ({
    title: `the name ${name?.slice(0, 20)} of a ${kind}`,
    object: named(kind as string, name as string),
  })),
  {
    title: "the same type twice in a Kubernetes policy",
    object: { ...calico("NetworkPolicy", { policyTypes: ["Ingress", "Ingress"] }), apiVersion: "networking.k8s.io/v1" },
  },
  { title: "notICMP without protocol", object: ingress({ notICMP: { type: 8 } }) },
  { title: "http without protocol", object: ingress({ http: { methods: ["GET"] } }) },
  { title: "ICMPv6 in IPv6", object: ingress({ protocol: "ICMPv6", ipVersion: 6, icmp: { type: 128, code: 0 } }) },
  {
    title: "domains beside ports",
    object: egress({ protocol: "TCP", destination: { domains: ["a.b"], ports: [80] } }),
  },
  { title: "empty fields beside services", object: ingress({ source: { ...service, selector: "", nets: [] } }) },
  { title: "notNets of everything", object: egress({ destination: { notNets: ["0.0.0.0/0"] } }) },
  { title: "an order of 0 and below", object: global({ order: -1 }) },
  {
    title: "a host endpoint without interface",
    object: calico("HostEndpoint", { node: "n", expectedIPs: ["10.0.0.1"] }),
  },
  {
    title: "an endPort that is too large: it means all from there on",
    object: {
      ...calico("NetworkPolicy", { egress: [{ ports: [{ port: 1, endPort: 70_000 }] }] }),
      apiVersion: "networking.k8s.io/v1",
    },
  },
];

describe("validation of kinds", () => {
  for (const { title, object, field, says } of refused)
    it(`refuses ${title}`, () => {
      const found = problemsOf(object);
      const fits = found.some((problem) => problem.field === field && says.test(problem.message));
      assert.ok(fits, JSON.stringify(found));
    });

  for (const { title, object } of accepted) it(`accepts ${title}`, () => assert.deepEqual(problemsOf(object), []));

  it("finds all faults of an object at once", () => {
    const object = global({ selector: "(", ingress: [{ action: "No" }, { action: "Allow", icmp: { type: 1 } }] });
    assert.deepEqual(
      problemsOf(object).map(({ field }) => field),
      ["spec.selector", "spec.ingress[0].action", "spec.ingress[1].icmp"],
    );
  });

  it("names the value that is refused, and what may stand there", () => {
    const [problem] = problemsOf(ingress({ action: "allow" }));
    assert.equal(problem?.message, '"allow" is none of Allow, Deny, Log, Pass');
  });

  it("reads anything at all without a throw", () => {
    const kinds = fc.constantFrom(
      ...["Tier", "NetworkPolicy", "GlobalNetworkPolicy", "StagedNetworkPolicy", "StagedGlobalNetworkPolicy"],
      ...["StagedKubernetesNetworkPolicy", "NetworkSet", "HostEndpoint", "ClusterNetworkPolicy", "AdminNetworkPolicy"],
      ...["BaselineAdminNetworkPolicy", "EndpointSlice", "Pod", "Node", "Namespace", "__proto__", "constructor"],
    );
    const versions = fc.constantFrom(
      ...["projectcalico.org/v3", "networking.k8s.io/v1", "policy.networking.k8s.io/v1alpha1", "v1"],
      ...["policy.networking.k8s.io/v1alpha2", "discovery.k8s.io/v1"],
    );
    const json = fc.jsonValue({ maxDepth: 4 });
    const object = fc.record(
      { apiVersion: fc.oneof(versions, json), kind: fc.oneof(kinds, json), metadata: json, spec: json, status: json },
      { requiredKeys: [] },
    );
    const named = fc.record({ apiVersion: versions, kind: kinds, metadata: fc.constant({ name: "a" }), spec: json });
    fc.assert(
      fc.property(fc.oneof(object, named, json), (value) => {
        const read = readFact(value as unknown as KubeObject);
        assert.ok("value" in read || read.problems.every(({ field, message }) => `${field}${message}`.length > 0));
        problemsOf(value as unknown as KubeObject);
      }),
      { numRuns: 500 },
    );
  });
});

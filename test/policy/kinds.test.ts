import assert from "node:assert/strict";
import type { KubeObject } from "../../core/kube/objects.ts";
import { problemsOf } from "../../policy/kinds/read.ts";

const calico = (spec: object, kind = "GlobalNetworkPolicy"): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name: "p", namespace: "a" },
  spec,
});
const kubernetes = (spec: object): KubeObject => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "p", namespace: "a" },
  spec,
});
const ingress = (rule: object) => calico({ ingress: [{ action: "Allow", ...rule }] });

const refused: readonly { readonly title: string; readonly object: KubeObject; readonly says: string | RegExp }[] = [
  {
    title: "a misspelt field",
    object: calico({ ingres: [] }),
    says: "spec.ingres: this field is not known; is it misspelt?",
  },
  {
    title: "a misspelt field deep inside",
    object: ingress({ source: { selectr: "x" } }),
    says: "spec.ingress[0].source.selectr: this field is not known; is it misspelt?",
  },
  {
    title: "an action that does not exist",
    object: calico({ ingress: [{ action: "allow" }] }),
    says: /^spec\.ingress\[0\]\.action: /,
  },
  {
    title: "a selector that does not parse",
    object: calico({ selector: "a = 'b'" }),
    says: /^spec\.selector: .* at character 3 of selector/,
  },
  {
    title: "global() in a selector",
    object: calico({ selector: "global()" }),
    says: "spec.selector: global() may stand in the namespaceSelector of a rule only",
  },
  {
    title: "a selector that is too long",
    object: calico({ selector: `a == '${"x".repeat(1100)}'` }),
    says: /1107 characters \(at most 1024\)/,
  },
  {
    title: "an invalid CIDR",
    object: ingress({ source: { nets: ["10.0.0.0/33"] } }),
    says: /^spec\.ingress\[0\]\.source\.nets\[0\]: .*longer than 32/,
  },
  {
    title: "a mix of families",
    object: ingress({ source: { nets: ["10.0.0.0/8"] }, destination: { nets: ["fd00::/8"] } }),
    says: /mixes IPv4 and IPv6/,
  },
  {
    title: "a net of the other family than ipVersion",
    object: ingress({ ipVersion: 4, source: { nets: ["fd00::/8"] } }),
    says: /mixes IPv4 and IPv6/,
  },
  {
    title: "ports without a protocol",
    object: ingress({ destination: { ports: [80] } }),
    says: /^spec\.ingress\[0\]\.destination\.ports: ports need protocol/,
  },
  {
    title: "ports of a protocol without ports",
    object: ingress({ protocol: "ICMP", destination: { ports: [80] } }),
    says: /ports need protocol/,
  },
  {
    title: "a port that is none",
    object: ingress({ protocol: "TCP", destination: { ports: ["90:80"] } }),
    says: /"90:80" is no range of ports/,
  },
  { title: "port 0", object: ingress({ protocol: "TCP", destination: { ports: [0] } }), says: /ports\[0\]/ },
  { title: "icmp without protocol", object: ingress({ icmp: { type: 8 } }), says: /needs protocol ICMP/ },
  {
    title: "an icmp code without type",
    object: ingress({ protocol: "ICMP", icmp: { code: 1 } }),
    says: /an ICMP code needs a type/,
  },
  {
    title: "ICMP in IPv6",
    object: ingress({ protocol: "ICMP", ipVersion: 6 }),
    says: "spec.ingress[0].ipVersion: protocol ICMP goes with ipVersion 4",
  },
  { title: "a protocol that does not exist", object: ingress({ protocol: "TPC" }), says: /"TPC" is no protocol/ },
  {
    title: "a policy in the storage group of Calico, which nobody reads here",
    object: { ...calico({}), apiVersion: "crd.projectcalico.org/v1" },
    says: "kind: crd.projectcalico.org/v1/GlobalNetworkPolicy is not supported by this version and has no effect",
  },
  {
    title: "a kind that nobody knows",
    object: calico({}, "GlobalNetworkPolitics"),
    says: "kind: projectcalico.org/v3/GlobalNetworkPolitics is not supported by this version and has no effect",
  },
  {
    title: "a tier with a dot in its name",
    object: { ...calico({ order: 1 }, "Tier"), metadata: { name: "a.b" } },
    says: /^metadata\.name: "a\.b" is no name of a tier/,
  },
  {
    title: "a default tier that passes",
    object: { ...calico({ order: 1_000_000, defaultAction: "Pass" }, "Tier"), metadata: { name: "default" } },
    says: /always$/,
  },
  {
    title: "a kube-admin tier that denies",
    object: { ...calico({ order: 1000 }, "Tier"), metadata: { name: "kube-admin" } },
    says: "spec: tier kube-admin has order 1000 and defaultAction Pass, always",
  },
  {
    title: "a policy's tier that would forge flow records",
    object: calico({ tier: "a|gnp:b|allow" }),
    says: /^spec\.tier: "a\|gnp:b\|allow" is no name of a tier/,
  },
  {
    title: "a preDNAT policy that does not apply on forward",
    object: calico({ preDNAT: true }),
    says: "spec.applyOnForward: preDNAT and doNotTrack need applyOnForward: true",
  },
  {
    title: "a label key that is a selector",
    object: kubernetes({ podSelector: { matchLabels: { "a == 'x' || all() || b": "y" } } }),
    says: `spec.podSelector.matchLabels.a == 'x' || all() || b: "a == 'x' || all() || b" is no label key`,
  },
  {
    title: "a label key that objects inherit",
    object: kubernetes({ podSelector: { matchLabels: JSON.parse('{"__proto__": {}}') } }),
    says: /^spec\.podSelector\.matchLabels\.__proto__: /,
  },
  {
    title: "an expression's key that is a selector",
    object: kubernetes({ podSelector: { matchExpressions: [{ key: "a) || has(b", operator: "Exists" }] } }),
    says: /is no label key/,
  },
  {
    title: "a label value that no quotes can hold",
    object: kubernetes({ podSelector: { matchLabels: { a: "'\"" } } }),
    says: "spec.podSelector.matchLabels.a: holds both kinds of quotes",
  },
  {
    title: "a service account that is a selector",
    object: ingress({ source: { serviceAccounts: { names: [`a"} || all() || x in {'b`] } } }),
    says: /is no name of a service account/,
  },
  {
    title: "labels that are a list",
    object: kubernetes({ podSelector: { matchLabels: ["a"] } }),
    says: /must be a mapping/,
  },
  { title: "a rule that is null", object: kubernetes({ ingress: [null] }), says: /^spec\.ingress\[0\]: / },
  {
    title: "a Kubernetes peer that says nothing",
    object: kubernetes({ ingress: [{ from: [{}] }] }),
    says: /^spec\.ingress\[0\]\.from\[0\]: a peer needs/,
  },
  {
    title: "ipBlock beside a selector",
    object: kubernetes({ ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }] }] }),
    says: /ipBlock stands alone/,
  },
  {
    title: "endPort below port",
    object: kubernetes({ ingress: [{ ports: [{ port: 80, endPort: 79 }] }] }),
    says: /endPort needs/,
  },
  {
    title: "endPort with a named port",
    object: kubernetes({ ingress: [{ ports: [{ port: "http", endPort: 90 }] }] }),
    says: /endPort needs/,
  },
  {
    title: "an expression In without values",
    object: kubernetes({ podSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }),
    says: /In and NotIn need values/,
  },
  {
    title: "a label that is a number",
    object: kubernetes({ podSelector: { matchLabels: { a: 1 } } }),
    says: /^spec\.podSelector\.matchLabels\.a: /,
  },
  { title: "a spec that is a list", object: kubernetes([]), says: /^spec: / },
];

describe("policy kinds", () => {
  for (const { title, object, says } of refused)
    it(`refuse ${title}`, () => {
      const found = problemsOf(object).map(({ field, message }) => `${field}: ${message}`);
      const fits = found.some((text) => (typeof says === "string" ? text === says : says.test(text)));
      assert.ok(fits, `got ${JSON.stringify(found)}`);
    });

  const accepted: readonly { readonly title: string; readonly object: KubeObject }[] = [
    {
      title: "a policy without spec",
      object: { apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "p" } },
    },
    { title: "protocols by number", object: ingress({ protocol: 47 }) },
    { title: "a rule with annotations", object: ingress({ metadata: { annotations: { why: "because" } } }) },
    {
      title: "ports as ranges, names and numbers",
      object: ingress({ protocol: "TCP", destination: { ports: [80, "8000:8080", "http"] } }),
    },
    { title: "named ports without protocol", object: ingress({ destination: { ports: ["http"] } }) },
    { title: "global() padded with blanks", object: ingress({ source: { namespaceSelector: " global() " } }) },
    {
      title: "nulls where the API server writes them",
      object: kubernetes({ podSelector: {}, ingress: null, policyTypes: null }),
    },
    {
      title: "nulls in every field of a projectcalico.org policy",
      object: calico({
        tier: null,
        order: null,
        selector: null,
        namespaceSelector: null,
        types: null,
        egress: null,
        ingress: [
          {
            action: "Allow",
            metadata: null,
            ipVersion: null,
            protocol: null,
            icmp: null,
            source: null,
            destination: { nets: null, ports: null, serviceAccounts: null },
          },
        ],
      }),
    },
    { title: "an empty tier and an empty list of types", object: calico({ tier: "", types: [], order: 100.5 }) },
    { title: "protocols in lower case and as text", object: ingress({ protocol: "tcp", notProtocol: "132" }) },
    {
      title: "what concerns host endpoints, switched off",
      object: calico({ doNotTrack: false, applyOnForward: false }),
    },
    {
      title: "the built-in tiers as they are",
      object: { ...calico({ order: 1000, defaultAction: "Pass" }, "Tier"), metadata: { name: "kube-admin" } },
    },
    {
      title: "what the API server adds to an object",
      object: {
        ...kubernetes({ podSelector: {} }),
        metadata: {
          name: "p",
          namespace: "a",
          managedFields: [{ manager: "kubectl" }],
          generation: 3,
        } as KubeObject["metadata"],
        status: {},
      },
    },
    {
      title: "kinds that have nothing to do with policy",
      object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: {} },
    },
    {
      title: "an Ingress",
      object: { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "i" }, spec: {} },
    },
  ];
  for (const { title, object } of accepted) it(`accept ${title}`, () => assert.deepEqual(problemsOf(object), []));
});

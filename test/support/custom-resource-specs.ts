import { labelTaxonomySpecs } from "./label-taxonomy-specs.ts";

const rule = (fields: object) => ({ ingress: [{ action: "Allow", ...fields }] });

/**
 * Specs of each kind that the CRD and the parser take, and that both refuse. What CEL or text of a certain form decides is not in the schema and
 * does not stand here.
 */
export const specs: Readonly<Record<string, { readonly good: readonly object[]; readonly bad: readonly object[] }>> = {
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
  LabelTaxonomy: labelTaxonomySpecs,
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

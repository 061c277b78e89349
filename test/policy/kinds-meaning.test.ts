import assert from "node:assert/strict";
import type { KubeObject } from "../../core/kube/objects.ts";
import { readFact } from "../../policy/kinds/read.ts";
import { policyText } from "../support/policy-text.ts";

// What policies of each kind mean, in the words of test/support/policy-text.ts.

interface Case {
  readonly title: string;
  readonly object: KubeObject;
  readonly means: readonly string[];
}

const calico = (kind: string, spec: object): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name: "p", ...(kind.includes("Global") ? {} : { namespace: "a" }) },
  spec,
});
const upstream = (version: string, kind: string, spec: object, name = "p"): KubeObject => ({
  apiVersion: `policy.networking.k8s.io/${version}`,
  kind,
  metadata: { name },
  spec,
});
const cluster = (spec: object) =>
  upstream("v1alpha2", "ClusterNetworkPolicy", { tier: "Admin", priority: 7, subject: { namespaces: {} }, ...spec });
const admin = (spec: object) =>
  upstream("v1alpha1", "AdminNetworkPolicy", { priority: 7, subject: { namespaces: {} }, ...spec });

const pods = 'projectcalico.org/orchestrator == "k8s"';
const anyPod = `(${pods} && has(projectcalico.org/namespace))`;
const inA = 'projectcalico.org/namespace == "a"';
const clusterHead = "kcnp -/p in kube-admin at 7, normal";

const policies: readonly Case[] = [
  {
    title: "a policy without anything is about its namespace and lets nothing in",
    object: calico("NetworkPolicy", {}),
    means: ["np a/p in default at Infinity, normal", `about ${inA}`, "ingress: none"],
  },
  {
    title: "egress rules alone govern egress",
    object: calico("GlobalNetworkPolicy", { order: 3, tier: "t", egress: [{ action: "Allow" }] }),
    means: ["gnp -/p in t at 3, normal", "about all()", "egress 0: allow"],
  },
  {
    title: "applyOnForward adds the forward list",
    object: calico("GlobalNetworkPolicy", { applyOnForward: true }),
    means: ["gnp -/p in default at Infinity, normal+forward", "about all()", "ingress: none"],
  },
  {
    title: "preDNAT stands in its own list alone",
    object: calico("GlobalNetworkPolicy", { preDNAT: true, applyOnForward: true }),
    means: ["gnp -/p in default at Infinity, preDnat", "about all()", "ingress: none"],
  },
  {
    title: "doNotTrack stands in its own list alone",
    object: calico("GlobalNetworkPolicy", { doNotTrack: true, applyOnForward: true, types: ["Egress"] }),
    means: ["gnp -/p in default at Infinity, untracked", "about all()", "egress: none"],
  },
  {
    title: "all() beside a namespaceSelector is everybody in a namespace",
    object: calico("GlobalNetworkPolicy", { selector: "all() || x == 'y'", namespaceSelector: "env != 'prod'" }),
    means: [
      "gnp -/p in default at Infinity, normal",
      'about (pcns.env != "prod" && (has(projectcalico.org/namespace) || x == "y"))',
      "ingress: none",
    ],
  },
  {
    title: "all() beside a serviceAccountSelector is everybody who has one",
    object: calico("GlobalNetworkPolicy", { selector: "all()", serviceAccountSelector: "!has(x)" }),
    means: [
      "gnp -/p in default at Infinity, normal",
      "about (!has(pcsa.x) && has(projectcalico.org/serviceaccount))",
      "ingress: none",
    ],
  },
  {
    title: "a Service in a namespaced policy is one of its namespace",
    object: calico("NetworkPolicy", {
      ingress: [{ action: "Allow", source: { services: { name: "db" } } }],
      egress: [{ action: "Allow", destination: { services: { name: "db", namespace: "b" } } }],
    }),
    means: [
      "np a/p in default at Infinity, normal",
      `about ${inA}`,
      "ingress 0: allow, from service a/db",
      "egress 0: allow, to service b/db",
    ],
  },
  {
    title: "http and domains are kept as what cannot be enforced",
    object: calico("GlobalNetworkPolicy", {
      ingress: [
        { action: "Allow", http: { methods: ["GET"] } },
        { action: "Allow", http: {} },
      ],
      egress: [{ action: "Allow", protocol: "TCP", destination: { domains: ["*.example.com"], ports: [443] } }],
    }),
    means: [
      "gnp -/p in default at Infinity, normal",
      "about all()",
      "ingress 0: allow, not enforced [http]",
      "ingress 1: allow",
      "egress 0: allow, protocol 6, to ports 443, not enforced [domains]",
    ],
  },
  {
    title: "names and selector of service accounts must both hold",
    object: calico("GlobalNetworkPolicy", {
      ingress: [{ action: "Allow", source: { serviceAccounts: { names: ["x", "y"], selector: "role == 'ci'" } } }],
    }),
    means: [
      "gnp -/p in default at Infinity, normal",
      "about all()",
      'ingress 0: allow, from (pcsa.role == "ci" && projectcalico.org/serviceaccount in {"x", "y"})',
    ],
  },
  {
    title: "protocols by number, ICMP types to 254 and negations",
    object: calico("GlobalNetworkPolicy", {
      ingress: [
        { action: "Deny", protocol: 1, icmp: { type: 254, code: 255 }, notICMP: { type: 0 } },
        { action: "Pass", notProtocol: "132", notICMP: { type: 8 }, ipVersion: 6 },
        { action: "Log", destination: { ports: ["http"] } },
        {
          action: "Allow",
          protocol: "SCTP",
          source: { notPorts: ["1:9", 11] },
          destination: { notNets: ["10.0.0.0/8"] },
        },
      ],
    }),
    means: [
      "gnp -/p in default at Infinity, normal",
      "about all()",
      "ingress 0: deny, protocol 1, icmp 254/255, not icmp 0/*",
      "ingress 1: pass, IPv6, not protocol 132, not icmp 8/*",
      "ingress 2: log, to ports http",
      "ingress 3: allow, IPv4, protocol 132, from not ports 1-9 11, to not 10.0.0.0/8",
    ],
  },
  {
    title: "a staged policy is set unless it says otherwise",
    object: calico("StagedNetworkPolicy", { tier: "t" }),
    means: ["snp a/p in t at Infinity, normal, staged set", `about ${inA}`, "ingress: none"],
  },
  {
    title: "a staged global policy that only learns",
    object: calico("StagedGlobalNetworkPolicy", { stagedAction: "Learn", applyOnForward: true }),
    means: ["sgnp -/p in default at Infinity, normal+forward, staged learn", "about all()", "ingress: none"],
  },
  {
    title: "a staged policy that deletes says no more than which",
    object: calico("StagedGlobalNetworkPolicy", { stagedAction: "Delete", tier: "t", selector: "", ingress: [] }),
    means: ["sgnp -/p in t at Infinity, normal, staged delete", "about all()", "ingress: none"],
  },
  {
    title: "a staged Kubernetes policy stands where Kubernetes policies do",
    object: calico("StagedKubernetesNetworkPolicy", {
      stagedAction: "Ignore",
      podSelector: { matchLabels: { x: "y" } },
    }),
    means: [
      "sknp a/p in default at 1000, normal, staged ignore",
      `about (${pods} && ${inA} && x == "y")`,
      "ingress: none",
    ],
  },
  {
    title: "a cluster policy without rules leaves both directions alone",
    object: cluster({ tier: "Baseline" }),
    means: ["kcnp -/p in kube-baseline at 7, normal", `about ${anyPod}`],
  },
  {
    title: "a cluster policy has a rule for each peer and protocol",
    object: cluster({
      egress: [
        {
          action: "Accept",
          to: [
            { pods: { namespaceSelector: { matchLabels: { n: "1" } }, podSelector: { matchLabels: { p: "2" } } } },
            { nodes: { matchExpressions: [{ key: "r", operator: "Exists" }] } },
            { networks: ["10.0.0.0/8", "fd00::/8", "11.0.0.0/8"] },
          ],
          protocols: [
            { tcp: { destinationPort: { number: 80 } } },
            { tcp: { destinationPort: { range: { start: 90, end: 99 } } } },
            { udp: { destinationPort: { number: 53 } } },
          ],
        },
      ],
    }),
    means: [
      clusterHead,
      `about ${anyPod}`,
      ...[`(${pods} && pcns.n == "1" && p == "2")`, "nodes has(r)", "10.0.0.0/8 11.0.0.0/8", "fd00::/8"].flatMap(
        (peer) => [
          `egress 0: allow, protocol 6, to ${peer} & ports 80 90-99`,
          `egress 0: allow, protocol 17, to ${peer} & ports 53`,
        ],
      ),
    ],
  },
  {
    title: "a named port of a cluster policy is of any protocol, and of pods only",
    object: cluster({
      ingress: [{ action: "Pass", from: [{ namespaces: {} }], protocols: [{ destinationNamedPort: "dns" }] }],
      egress: [{ action: "Accept", to: [{ networks: ["10.0.0.0/8"] }], protocols: [{ destinationNamedPort: "dns" }] }],
    }),
    means: [
      clusterHead,
      `about ${anyPod}`,
      `ingress 0: pass, from ${anyPod}, to ports dns`,
      "egress 0: allow, to 10.0.0.0/8 & ports dns, not enforced [named ports of what is no pod]",
    ],
  },
  {
    title: "domain names of a cluster policy cannot be enforced, the peers beside them can",
    object: cluster({
      egress: [{ action: "Accept", to: [{ domainNames: ["a.example"] }, { networks: ["10.0.0.0/8"] }] }],
    }),
    means: [
      clusterHead,
      `about ${anyPod}`,
      "egress 0: allow, not enforced [domainNames]",
      "egress 0: allow, to 10.0.0.0/8",
    ],
  },
  {
    title: "a rule of a cluster policy that is not understood takes no other with it",
    object: cluster({
      ingress: [
        { action: "Deny", from: [{ planets: {} }] },
        { action: "Accept", from: [{}] },
        { action: "Reject", from: [{ namespaces: {} }] },
        { action: "Accept", from: [{ namespaces: {} }] },
      ],
    }),
    means: [
      clusterHead,
      `about ${anyPod}`,
      "ingress 0: deny, not enforced [from[0].planets: this field is not known; is it misspelt?; from[0]: exactly one of its fields is needed]",
      "ingress 1: allow, not enforced [from[0]: exactly one of its fields is needed]",
      'ingress 2: deny, not enforced [action: "Reject" is none of Accept, Deny, Pass]',
      `ingress 3: allow, from ${anyPod}`,
    ],
  },
  {
    title: "an admin policy stands in the tier of its time",
    object: admin({
      ingress: [
        {
          action: "Allow",
          from: [{ pods: { namespaceSelector: {} } }],
          ports: [
            { portNumber: { port: 80 } },
            { portRange: { protocol: "UDP", start: 1, end: 9 } },
            { namedPort: "web" },
          ],
        },
      ],
    }),
    means: [
      "kanp -/p in adminnetworkpolicy at 7, normal",
      `about ${anyPod}`,
      `ingress 0: allow, protocol 6, from ${anyPod}, to ports 80`,
      `ingress 0: allow, protocol 17, from ${anyPod}, to ports 1-9`,
      `ingress 0: allow, from ${anyPod}, to ports web`,
    ],
  },
  {
    title: "a baseline admin policy cannot pass",
    object: upstream(
      "v1alpha1",
      "BaselineAdminNetworkPolicy",
      {
        subject: { pods: { podSelector: { matchLabels: { x: "y" } } } },
        egress: [{ action: "Pass", to: [{ nodes: {} }] }],
      },
      "default",
    ),
    means: [
      "kbanp -/default in baselineadminnetworkpolicy at 1000, normal",
      `about (${pods} && has(projectcalico.org/namespace) && x == "y")`,
      'egress 0: deny, not enforced [action: "Pass" is none of Allow, Deny]',
    ],
  },
];

// libcalico-go/lib/backend/syncersv1/updateprocessors/rules_test.go: namespace, source, effective selector.
const effective: readonly (readonly [string | null, object, string])[] = [
  [
    "n",
    { selector: "s == 'x'", notSelector: "t == 'y'" },
    '(projectcalico.org/namespace == "n" && s == "x") & not t == "y"',
  ],
  ["n", { notSelector: "t == 'y'" }, 'projectcalico.org/namespace == "n" & not t == "y"'],
  ["n", { namespaceSelector: "l == 'v'", notSelector: "t == 'y'" }, 'pcns.l == "v" & not t == "y"'],
  [null, { namespaceSelector: "namespace == 'red'", selector: "has(a)" }, '(pcns.namespace == "red" && has(a))'],
  [null, { namespaceSelector: "all()", selector: "has(a)" }, "(has(projectcalico.org/namespace) && has(a))"],
  [null, { namespaceSelector: "global()", selector: "has(a)" }, "(!has(projectcalico.org/namespace) && has(a))"],
  [null, { notSelector: "t == 'y'" }, 'not t == "y"'],
];

describe("kinds of policies", () => {
  for (const { title, object, means } of policies) it(title, () => assert.deepEqual(textOf(object), means));

  for (const [namespace, source, selector] of effective)
    it(`${namespace === null ? "globally" : "in a namespace"} ${JSON.stringify(source)} means ${selector}`, () => {
      const kind = namespace === null ? "GlobalNetworkPolicy" : "NetworkPolicy";
      const object = calico(kind, { ingress: [{ action: "Allow", source }] });
      const metadata = { name: "p", ...(namespace === null ? {} : { namespace }) };
      assert.equal(textOf({ ...object, metadata })[2], `ingress 0: allow, from ${selector}`);
    });
});

function textOf(object: KubeObject): readonly string[] {
  const read = readFact(object);
  if ("problems" in read) return read.problems.map(({ field, message }) => `${field}: ${message}`);
  return read.value.type === "policy" ? policyText(read.value.policy) : [read.value.type];
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../../core/kube/objects.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { warningsOf } from "../../policy/warnings.ts";
import { packet, world } from "../support/world.ts";

const object = (apiVersion: string, kind: string, metadata: KubeObject["metadata"], rest: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata,
  ...rest,
});
const calico = (kind: string, name: string, spec: object): KubeObject =>
  object("projectcalico.org/v3", kind, { name, ...(kind.includes("Global") ? {} : { namespace: "shop" }) }, { spec });
const global = (spec: object, name = "p") => calico("GlobalNetworkPolicy", name, spec);
const kubernetes = (spec: object) =>
  object("networking.k8s.io/v1", "NetworkPolicy", { name: "p", namespace: "shop" }, { spec });
const cluster = (spec: object) =>
  object(
    "policy.networking.k8s.io/v1alpha2",
    "ClusterNetworkPolicy",
    { name: "p" },
    {
      spec: { tier: "Admin", priority: 1, subject: { namespaces: {} }, ...spec },
    },
  );
const slice = (service: string) =>
  object("discovery.k8s.io/v1", "EndpointSlice", {
    name: `${service}-1`,
    namespace: "shop",
    labels: { "kubernetes.io/service-name": service },
  });

const shop: readonly KubeObject[] = [
  object("v1", "Namespace", { name: "shop", labels: { env: "prod" } }),
  object("v1", "Pod", { name: "web-1", namespace: "shop", labels: { app: "web" } }, { status: { podIP: "10.0.0.1" } }),
  object("v1", "Pod", { name: "db-1", namespace: "shop", labels: { app: "db" } }, { status: { podIP: "10.0.0.2" } }),
  object(
    "v1",
    "Node",
    { name: "n1", labels: { zone: "a" } },
    { status: { addresses: [{ type: "InternalIP", address: "10.9.0.1" }] } },
  ),
];
const host = calico("HostEndpoint", "n1-eth0", { node: "n1", interfaceName: "eth0", expectedIPs: ["10.9.0.1"] });
const tier = object("projectcalico.org/v3", "Tier", { name: "t" }, { spec: { order: 5, defaultAction: "Pass" } });

const allow = { action: "Allow" };
const taxonomy = (name: string, ...keys: readonly object[]) =>
  object(
    "controls.sluice.dev/v1alpha1",
    "LabelTaxonomy",
    { name },
    { spec: { keys: keys.map((key) => ({ action: "Deny", ...key })) } },
  );
const labels = taxonomy(
  "t",
  { key: "team", values: [{ value: "shop" }, { value: "payments" }], appliesTo: ["Pod", "Namespace"] },
  { key: "example.com/stage", pattern: "dev|prod", appliesTo: ["Pod"] },
  { key: "zone", values: [{ value: "near" }], appliesTo: ["Node"] },
);
const asks = (selector: string, rest: object = {}) => [labels, global({ selector, ingress: [{ ...allow, ...rest }] })];

interface Case {
  readonly title: string;
  readonly objects: readonly KubeObject[];
  readonly says: readonly string[];
}

const cases: readonly Case[] = [
  {
    title: "nothing about labels as a taxonomy has them, or of which it does not speak",
    objects: asks(
      "team == 'shop' && app == 'x' && example.com/stage == 'dev' && kubernetes.io/os == 'x' && tea == 'y'",
      {
        source: { selector: "team != 'nobody'", namespaceSelector: "team == 'shop'" },
      },
    ),
    says: [],
  },
  {
    title: "a value that a taxonomy does not have, with the nearest that it has",
    objects: asks("team in {'payment', 'shop'}"),
    says: [
      'spec.selector: the taxonomy has no value "payment" of label team; there is shop, payments; did you mean payments?',
    ],
  },
  {
    title: "a value that is not as the pattern has it",
    objects: asks("example.com/stage == 'production'"),
    says: [
      'spec.selector: the taxonomy has no value "production" of label example.com/stage; it must be like dev|prod',
    ],
  },
  {
    title: "a value of a namespace label that a taxonomy does not have",
    objects: asks("all()", { source: { namespaceSelector: "team == 'x'" } }),
    says: ['spec.ingress[0]: the taxonomy has no value "x" of namespace label team; there is shop, payments'],
  },
  {
    title: "a key that is nearly one of a taxonomy",
    objects: asks("teams == 'shop'"),
    says: ["spec.selector: label teams is in no taxonomy; did you mean team?"],
  },
  {
    title: "a key that is nearly one of its prefix",
    objects: asks("has(example.com/stages)"),
    says: ["spec.selector: label example.com/stages is in no taxonomy; did you mean example.com/stage?"],
  },
  {
    title: "a key that is not among those of its prefix",
    objects: asks("has(example.com/owner)"),
    says: ["spec.selector: label example.com/owner is in no taxonomy, which has example.com/stage"],
  },
  {
    title: "nothing about values that a network set has",
    objects: [
      ...asks("all()", { source: { selector: "team == 'partner'" } }),
      object("projectcalico.org/v3", "GlobalNetworkSet", { name: "s", labels: { team: "partner" } }),
    ],
    says: [],
  },
  {
    title: "taxonomies that contradict each other",
    objects: [
      taxonomy("a", { key: "x", values: [{ value: "1" }] }),
      taxonomy("b", { key: "x", values: [{ value: "2" }] }),
    ],
    says: ["b", "a"].map(
      (other) => `spec.keys: x: LabelTaxonomy ${other} allows other values only: no value satisfies both`,
    ),
  },
  {
    title: "nothing about a policy that means what it says",
    objects: [
      ...shop,
      slice("db"),
      calico("NetworkPolicy", "p", {
        selector: "app == 'web'",
        egress: [{ ...allow, destination: { services: { name: "db" } } }],
        ingress: [{ ...allow, source: { namespaceSelector: "env == 'prod'" } }],
      }),
    ],
    says: [],
  },
  {
    title: "a negative namespaceSelector, which holds for nodes",
    objects: [
      global({ namespaceSelector: "env != 'prod'", ingress: [{ ...allow, source: { nets: ["10.0.0.0/8"] } }] }),
    ],
    says: [
      "spec.selector: selects host endpoints too, as what is in no namespace satisfies the namespaceSelector: nodes may be locked out. If only pods are meant, add has(projectcalico.org/namespace) to the selector",
    ],
  },
  {
    title: "which nodes a negative namespaceSelector catches",
    objects: [...shop, host, global({ namespaceSelector: "!has(lab)" })],
    says: [
      "spec.selector: selects host endpoints too (now n1-eth0), as what is in no namespace satisfies the namespaceSelector: nodes may be locked out. If only pods are meant, add has(projectcalico.org/namespace) to the selector",
    ],
  },
  {
    title: "nothing about a negative namespaceSelector beside all(), which leaves nodes out",
    objects: [...shop, host, global({ selector: "all()", namespaceSelector: "!has(lab)" })],
    says: [],
  },
  {
    title: "a policy that selects nobody, and why",
    objects: [...shop, calico("NetworkPolicy", "p", { selector: "app == 'wbe'" })],
    says: ['spec.selector: selects nobody: nobody has label app "wbe"; there is db, web'],
  },
  {
    title: "a policy that selects nobody although every value exists",
    objects: [...shop, calico("NetworkPolicy", "p", { selector: "app == 'web' && app == 'db'" })],
    says: ["spec.selector: selects nobody"],
  },
  {
    title: "a Kubernetes policy that selects nobody at its own field",
    objects: [...shop, kubernetes({ podSelector: { matchLabels: { tier: "front" } } })],
    says: ["spec.podSelector: selects nobody: nobody has label tier"],
  },
  {
    title: "values that nobody has, in rules",
    objects: [
      ...shop,
      global({
        ingress: [
          { ...allow, source: { selector: "app in {'web', 'cache'}" } },
          { ...allow, source: { namespaceSelector: "env == 'dev'" } },
          { ...allow, source: { notSelector: "role == 'x'" } },
          { ...allow, source: { serviceAccounts: { selector: "has(team)" } } },
        ],
      }),
    ],
    says: [
      'spec.ingress[0]: nobody has label app "cache"; there is db, web',
      'spec.ingress[1]: nobody has namespace label env "dev"; there is prod',
      "spec.ingress[2]: nobody has label role",
      "spec.ingress[3]: nobody has service account label team",
    ],
  },
  {
    title: "nodes that nobody has labelled so",
    objects: [...shop, cluster({ egress: [{ action: "Accept", to: [{ nodes: { matchLabels: { zone: "b" } } }] }] })],
    says: ['spec.egress[0]: nobody has label zone "b"; there is a'],
  },
  {
    title: "nothing about values that should not be there",
    objects: [
      ...shop,
      global({ ingress: [{ ...allow, source: { selector: "app != 'old' && app not in {'older'}" } }] }),
    ],
    says: [],
  },
  {
    title: "nothing of whom policies select where no pods are told",
    objects: [calico("NetworkPolicy", "p", { selector: "app == 'wbe'" })],
    says: [],
  },
  {
    title: "rules that are never reached",
    objects: [
      global({
        ingress: [
          { action: "Deny", protocol: "TCP", source: { nets: ["10.0.0.0/8"] } },
          { ...allow, protocol: "TCP", source: { nets: ["10.1.0.0/16"] }, destination: { ports: [80] } },
          { ...allow, protocol: "TCP", destination: { ports: ["1:99"] } },
          { action: "Pass", protocol: "TCP", destination: { ports: [80, "90:99"] } },
          { ...allow, protocol: "TCP", destination: { ports: [100] } },
          { ...allow, source: { selector: "has(app)" } },
          { action: "Log", source: { selector: "app == 'web' && role == 'x'" } },
          { ...allow, source: { selector: "role == 'x'" } },
        ],
      }),
    ],
    says: [
      "spec.ingress[1]: is never reached: rule 0 takes what it matches",
      "spec.ingress[3]: is never reached: rule 2 takes what it matches",
      "spec.ingress[6]: is never reached: rule 5 takes what it matches",
    ],
  },
  {
    title: "nothing about a rule that an earlier one covers but for its log or its part",
    objects: [
      global({
        ingress: [
          { action: "Log" },
          { ...allow, protocol: "ICMP", icmp: { type: 8, code: 1 } },
          { ...allow, protocol: "ICMP", icmp: { type: 8 } },
          { ...allow, ipVersion: 4, source: { notSelector: "has(a)" } },
          { ...allow, source: { notSelector: "has(b)" } },
          { ...allow, http: { methods: ["GET"] } },
        ],
      }),
    ],
    says: ["spec.ingress[5]: cannot be enforced and therefore matches nothing: http"],
  },
  {
    title: "policies that are never asked",
    objects: [
      global({ order: 1, selector: "has(app)", ingress: [{ action: "Deny" }] }, "first"),
      global({ order: 2, selector: "has(app) && role == 'x'", ingress: [allow], egress: [allow] }, "second"),
    ],
    says: ["spec.ingress: is never asked: first decides about everything before"],
  },
  {
    title: "nothing about policies of other tiers, other lists, or other endpoints",
    objects: [
      tier,
      global({ order: 1, selector: "has(app)", ingress: [{ action: "Pass" }] }, "first"),
      global({ order: 2, tier: "t", selector: "has(app)", ingress: [allow] }, "tier"),
      global({ order: 2, selector: "has(app)", applyOnForward: true, ingress: [allow] }, "list"),
      global({ order: 2, selector: "role == 'x'", ingress: [allow] }, "endpoints"),
    ],
    says: [],
  },
  {
    title: "a policy that only logs in a tier that denies",
    objects: [global({ ingress: [{ action: "Log" }], egress: [{ action: "Log" }, allow] })],
    says: ["spec.ingress: has only Log rules: what no other policy of its tier allows is then denied"],
  },
  {
    title: "a policy that only logs in a tier that passes",
    objects: [tier, global({ tier: "t", ingress: [{ action: "Log" }] })],
    says: ["spec.ingress: has only Log rules"],
  },
  {
    title: "a tier that nobody made",
    objects: [global({ tier: "nowhere" })],
    says: ["spec.tier: nobody made tier nowhere: it comes after all others and denies what it does not allow"],
  },
  {
    title: "a Service that nothing stands behind",
    objects: [
      slice("web"),
      calico("NetworkPolicy", "p", { egress: [{ ...allow, destination: { services: { name: "db" } } }] }),
    ],
    says: [
      "spec.egress[0].destination.services: nothing stands behind Service shop/db: there is no EndpointSlice of it",
    ],
  },
  {
    title: "rules that fail closed",
    objects: [
      cluster({
        egress: [
          { action: "Accept", to: [{ domainNames: ["a.example"] }, { networks: ["10.0.0.0/8"] }] },
          { action: "Deny", to: [{ planets: {} }] },
        ],
      }),
    ],
    says: [
      "spec.egress[0]: cannot be enforced in part, which matches nothing: domainNames",
      "spec.egress[1]: cannot be enforced and therefore denies everything: to[0].planets: this field is not known; is it misspelt?; to[0]: exactly one of its fields is needed",
    ],
  },
  {
    title: "a rule that leaves out every address",
    objects: [global({ egress: [{ ...allow, destination: { notNets: ["::/0"] } }] })],
    says: ["spec.egress[0].destination.notNets: leaves out every address, so that the rule matches nothing"],
  },
  {
    title: "domains of a network set, which have no addresses here",
    objects: [calico("GlobalNetworkSet", "s", { allowedEgressDomains: ["example.com"], nets: ["10.0.0.0/8"] })],
    says: ["spec.allowedEgressDomains: cannot be enforced: no address is in the set because of them"],
  },
  {
    title: "a profile that is none",
    objects: [
      calico("HostEndpoint", "h", { node: "n", interfaceName: "*", profiles: ["projectcalico-default-allow", "open"] }),
    ],
    says: ["spec.profiles[1]: profile open has no rules here: it allows nothing"],
  },
  {
    title: "nothing about a staged policy that deletes",
    objects: [...shop, calico("StagedNetworkPolicy", "p", { stagedAction: "Delete", tier: "nowhere" })],
    says: [],
  },
];

describe("warnings", () => {
  for (const { title, objects, says } of cases)
    it(`tell ${title}`, () => {
      assert.deepEqual(
        warningsOf(objects).map(({ field, message }) => `${field}: ${message}`),
        says,
      );
    });

  it("name the object they are about", () => {
    const policy = global({ tier: "nowhere" });
    assert.equal(warningsOf([...shop, policy])[0]?.object, policy);
  });

  it("never call a rule unreachable that some packet reaches", () => {
    const some = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] });
    const nets = fc.subarray(["10.244.0.0/16", "10.244.1.1/32", "10.244.1.2/31", "0.0.0.0/0"], { minLength: 1 });
    const selectors = fc.constantFrom(
      "all()",
      "a == '1'",
      "has(a)",
      "a == '1' && b == '2'",
      "a in {'1', '2'}",
      "b != '2'",
    );
    const peer = { nets, notNets: nets, selector: selectors, notSelector: selectors, namespaceSelector: selectors };
    const ports = fc.subarray([80, "70:90", "1:79", "web"], { minLength: 1 });
    const withPorts = some({ ...peer, ports, notPorts: ports });
    const tcp = some({ source: some(peer), destination: withPorts }).map((rule) => ({ ...rule, protocol: "TCP" }));
    const icmp = { type: fc.constantFrom(0, 8), code: fc.constantFrom(0, 1) };
    const other = some({
      source: some(peer),
      destination: some(peer),
      ipVersion: fc.constant(4),
      notProtocol: fc.constantFrom("UDP", "ICMP"),
      notICMP: fc.record(icmp, { requiredKeys: ["type"] }),
    });
    const action = fc.constantFrom("Allow", "Deny", "Pass", "Log");
    const rule = fc.tuple(action, fc.oneof(tcp, other)).map(([action, rest]) => ({ ...rest, action }));
    // The same rule with parts left out comes before it, and covers it unless what was left out were exceptions.
    const pair = fc.tuple(rule, action, fc.infiniteStream(fc.boolean())).map(([rule, action, keeps]) => {
      const keep = () => keeps.next().value;
      return [{ ...loosened(rule, keep), action }, rule];
    });
    const texts = ["a/x -> a/y", "a/y -> a/z", "a/z -> a/x", "9.9.9.9 -> a/x", "9.9.9.9 -> a/z"].flatMap((pair) =>
      ["tcp/80", "tcp/75", "tcp/1", "udp/80", "icmp/8", "icmp/0"].map((service) => `${pair} ${service}`),
    );
    fc.assert(
      fc.property(fc.oneof(pair, fc.array(rule, { minLength: 2, maxLength: 3 })), (ingress) => {
        const builder = world()
          .namespace("a", { a: "1" })
          .pod("a/x", { a: "1", b: "2" }, { ports: [{ name: "web", containerPort: 80 }] })
          .pod("a/y", { a: "2" })
          .pod("a/z", { b: "2" })
          .global("p", { ingress });
        const made = builder.world();
        const evaluate = evaluatorOf(made.program(), made.placement());
        const reached = texts
          .flatMap((text) => evaluate(packet(builder, text)).ingress?.steps ?? [])
          .map((step) => made.program().rules.get(step.rule)?.rule);
        for (const { field } of warningsOf(builder.objects).filter(({ message }) =>
          message.startsWith("is never reached"),
        ))
          assert.ok(!reached.includes(Number(/\d+/.exec(field)?.[0])), field);
      }),
      { numRuns: 150 },
    );
  }).timeout(10_000);
});

/** Without some of the fields of its ends, and of others that stand alone. */
function loosened(rule: Readonly<Record<string, unknown>>, keep: () => boolean): object {
  return Object.fromEntries(
    Object.entries(rule).flatMap(([key, value]) => {
      if (key === "source" || key === "destination") return [[key, loosened(value as Record<string, unknown>, keep)]];
      return key === "protocol" || keep() ? [[key, value]] : [];
    }),
  );
}

import assert from "node:assert/strict";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { decide, packet, reasonOf, type WorldBuilder, world } from "../support/world.ts";

/** Two namespaces, three applications, a tier before and one after the default. */
function shop(): WorldBuilder {
  return world()
    .node("node-a", "192.0.2.1", "2001:db8::1")
    .node("node-b", "192.0.2.2")
    .namespace("a", { env: "prod" })
    .namespace("b", { env: "dev" })
    .pod("a/web", { app: "web" })
    .pod("a/api", { app: "api" }, { ports: [{ name: "http", containerPort: 8080 }] })
    .pod("b/api", { app: "api" }, { serviceAccountName: "robot" })
    .serviceAccount("b/robot", { trusted: "yes" })
    .tier("early", 10, "Pass")
    .tier("late", 2_000_000);
}

const allow = { action: "Allow" };
const deny = { action: "Deny" };
const pass = { action: "Pass" };
const tcp = (port: number | string) => ({ protocol: "TCP", destination: { ports: [port] } });
const from = (source: object) => ({ source });

interface Row {
  readonly title: string;
  readonly given: (shop: WorldBuilder) => WorldBuilder;
  readonly packet: string;
  readonly is: string;
}

const order: readonly Row[] = [
  {
    title: "a pod without policies may do everything",
    given: (w) => w,
    packet: "a/web -> a/api tcp/8080",
    is: "allow __PROFILE__|pro:kns|0",
  },
  {
    title: "an earlier tier decides before a later one",
    given: (w) =>
      w.global("early.x", { tier: "early", ingress: [deny] }).global("late.x", { tier: "late", ingress: [allow] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny early|gnp:early.x|0",
  },
  {
    title: "Pass goes on with the next tier, past later policies of its own",
    given: (w) =>
      w
        .global("early.a", { tier: "early", order: 1, ingress: [pass] })
        .global("early.b", { tier: "early", order: 2, ingress: [deny] })
        .global("late.x", { tier: "late", ingress: [allow] }),
    packet: "a/web -> a/api tcp/80",
    is: "allow late|gnp:late.x|0",
  },
  {
    title: "a tier whose default is Pass lets undecided packets through to the next",
    given: (w) => w.global("early.x", { tier: "early", ingress: [{ ...deny, ...tcp(22) }] }),
    packet: "a/web -> a/api tcp/80",
    is: "allow __PROFILE__|pro:kns|0",
  },
  {
    title: "a tier whose default is Deny denies what its policies leave open, in the name of the first",
    given: (w) =>
      w
        .global("late.b", { tier: "late", order: 2, ingress: [{ ...allow, ...tcp(22) }] })
        .global("late.a", { tier: "late", order: 1, ingress: [{ ...allow, ...tcp(23) }] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny late|gnp:late.a|-1",
  },
  {
    title: "a tier that does not apply to a pod is skipped",
    given: (w) => w.global("late.x", { tier: "late", selector: "app == 'web'", ingress: [{ ...allow, ...tcp(22) }] }),
    packet: "a/web -> a/api tcp/80",
    is: "allow __PROFILE__|pro:kns|0",
  },
  {
    title: "a policy of the other direction does not make a tier apply",
    given: (w) => w.global("late.x", { tier: "late", types: ["Egress"], egress: [allow] }),
    packet: "b/api -> a/api tcp/80",
    is: "allow __PROFILE__|pro:kns|0",
  },
  {
    title: "a tier that nobody made comes last and denies",
    given: (w) =>
      w
        .global("late.x", { tier: "late", ingress: [pass] })
        .global("lost.x", { tier: "lost", ingress: [{ ...allow, ...tcp(22) }] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny lost|gnp:lost.x|-1",
  },
  {
    title: "the tier kube-admin is there without anybody making it, early and passing",
    given: (w) =>
      w
        .global("kube-admin.x", { tier: "kube-admin", ingress: [{ ...allow, ...tcp(22) }] })
        .global("late.x", { tier: "late", ingress: [allow] }),
    packet: "a/web -> a/api tcp/80",
    is: "allow late|gnp:late.x|0",
  },
  {
    title: "a pod's own label does not pretend that its namespace has it",
    given: (w) =>
      w.pod("b/liar", { "pcns.team": "red", "pcns.projectcalico.org/name": "red" }).kubernetesPolicy("a/red-only", {
        podSelector: {},
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: "red" } } }] }],
      }),
    packet: "b/liar -> a/api tcp/80",
    is: "deny default|knp:a/red-only|-1",
  },
  {
    title: "a rule that leaves out IPv4 nets is not about IPv6",
    given: (w) => w.global("x", { ingress: [{ ...allow, source: { notNets: ["10.9.0.0/16"] } }] }),
    packet: "a/web -> a/api tcp6/80",
    is: "deny default|gnp:x|-1",
  },
  {
    title: "a rule that leaves out nets matches what is outside of them",
    given: (w) => w.global("x", { ingress: [{ ...allow, source: { notNets: ["10.9.0.0/16"] } }] }),
    packet: "a/web -> a/api tcp/80",
    is: "allow default|gnp:x|0",
  },
  {
    title: "a rule that leaves out every net never matches",
    given: (w) => w.global("x", { ingress: [{ ...allow, source: { notNets: ["0.0.0.0/0"] } }] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny default|gnp:x|-1",
  },
  {
    title: "policies of equal order go by name",
    given: (w) => w.global("z", { order: 5, ingress: [allow] }).global("a", { order: 5, ingress: [deny] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny default|gnp:a|0",
  },
  {
    title: "a policy without order comes after all that have one",
    given: (w) => w.global("a", { ingress: [allow] }).global("z", { order: 1e9, ingress: [deny] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny default|gnp:z|0",
  },
  {
    title: "Kubernetes policies stand at order 1000 of the default tier",
    given: (w) =>
      w
        .kubernetesPolicy("a/only-22", { podSelector: {}, ingress: [{ ports: [{ port: 22 }] }] })
        .global("open", { ingress: [allow] }),
    packet: "a/web -> a/api tcp/80",
    is: "allow default|gnp:open|0",
  },
  {
    title: "Log notes and goes on; alone it ends at the tier's default",
    given: (w) => w.global("log", { ingress: [{ action: "Log" }] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny default|gnp:log|-1",
  },
  {
    title: "a policy without rules denies its direction",
    given: (w) => w.policy("a/empty", { selector: "all()", types: ["Ingress"] }),
    packet: "b/api -> a/web tcp/80",
    is: "deny default|np:a/empty|-1",
  },
  {
    title: "egress of the source is asked before ingress of the destination",
    given: (w) =>
      w
        .global("both", { types: ["Ingress", "Egress"], selector: "app == 'web'", egress: [deny] })
        .global("in", { selector: "app == 'api'", ingress: [deny] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny default|gnp:both|0",
  },
];

const peers: readonly Row[] = [
  {
    title: "a selector in a namespaced policy looks at its own namespace only",
    given: (w) => w.policy("a/p", { ingress: [{ ...allow, ...from({ selector: "app == 'api'" }) }] }),
    packet: "b/api -> a/web tcp/80",
    is: "deny default|np:a/p|-1",
  },
  {
    title: "namespaceSelector widens it to other namespaces",
    given: (w) =>
      w.policy("a/p", {
        ingress: [{ ...allow, ...from({ selector: "app == 'api'", namespaceSelector: "env == 'dev'" }) }],
      }),
    packet: "b/api -> a/web tcp/80",
    is: "allow default|np:a/p|0",
  },
  {
    title: "a bare notSelector in a namespaced policy stays in the namespace",
    given: (w) => w.policy("a/p", { ingress: [{ ...allow, ...from({ notSelector: "app == 'web'" }) }] }),
    packet: "b/api -> a/web tcp/80",
    is: "deny default|np:a/p|-1",
  },
  {
    title: "a bare notSelector in a global policy includes the world outside",
    given: (w) => w.global("p", { ingress: [{ ...allow, ...from({ notSelector: "app == 'web'" }) }] }),
    packet: "8.8.8.8 -> a/web tcp/80",
    is: "allow default|gnp:p|0",
  },
  {
    title: "an empty source in a namespaced policy is everybody",
    given: (w) => w.policy("a/p", { ingress: [{ ...allow, source: {} }] }),
    packet: "8.8.8.8 -> a/web tcp/80",
    is: "allow default|np:a/p|0",
  },
  {
    title: "selector and nets must both hold",
    given: (w) => w.policy("a/p", { ingress: [{ ...allow, ...from({ selector: "all()", nets: ["10.99.0.0/16"] }) }] }),
    packet: "a/api -> a/web tcp/80",
    is: "deny default|np:a/p|-1",
  },
  {
    title: "notNets cuts a hole",
    given: (w) => w.global("p", { ingress: [{ ...allow, ...from({ nets: ["8.0.0.0/8"], notNets: ["8.8.0.0/16"] }) }] }),
    packet: "8.8.8.8 -> a/web tcp/80",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "service accounts match by name",
    given: (w) => w.global("p", { ingress: [{ ...allow, ...from({ serviceAccounts: { names: ["robot"] } }) }] }),
    packet: "b/api -> a/web tcp/80",
    is: "allow default|gnp:p|0",
  },
  {
    title: "service accounts match by label",
    given: (w) =>
      w.global("p", { ingress: [{ ...allow, ...from({ serviceAccounts: { selector: "trusted == 'yes'" } }) }] }),
    packet: "a/api -> a/web tcp/80",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "a policy selects by namespace",
    given: (w) => w.global("p", { namespaceSelector: "env == 'prod'", ingress: [deny] }),
    packet: "a/web -> b/api tcp/80",
    is: "allow __PROFILE__|pro:kns|0",
  },
  {
    title: "an ipBlock includes pods, its exceptions exclude them",
    given: (w) =>
      w.kubernetesPolicy("a/p", {
        ingress: [{ from: [{ ipBlock: { cidr: "10.244.0.0/16", except: ["10.244.1.2/32"] } }] }],
      }),
    packet: "a/api -> a/web tcp/80",
    is: "deny default|knp:a/p|-1",
  },
  {
    title: "an empty namespaceSelector of Kubernetes is every namespace but not the world outside",
    given: (w) => w.kubernetesPolicy("a/p", { ingress: [{ from: [{ namespaceSelector: {} }] }] }),
    packet: "8.8.8.8 -> a/web tcp/80",
    is: "deny default|knp:a/p|-1",
  },
];

const ports: readonly Row[] = [
  {
    title: "a range includes its ends",
    given: (w) => w.global("p", { ingress: [{ ...allow, ...tcp("80:90") }] }),
    packet: "a/api -> a/web tcp/90",
    is: "allow default|gnp:p|0",
  },
  {
    title: "a named port is what the destination declares",
    given: (w) => w.global("p", { ingress: [{ ...allow, ...tcp("http") }] }),
    packet: "a/web -> a/api tcp/8080",
    is: "allow default|gnp:p|0",
  },
  {
    title: "a named port means nothing where it is not declared",
    given: (w) => w.global("p", { ingress: [{ ...allow, ...tcp("http") }] }),
    packet: "a/api -> a/web tcp/8080",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "a named port has a protocol",
    given: (w) => w.global("p", { ingress: [{ ...allow, protocol: "UDP", destination: { ports: ["http"] } }] }),
    packet: "a/web -> a/api udp/8080",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "notPorts never matches a protocol without ports",
    given: (w) => w.global("p", { ingress: [{ ...allow, destination: { notPorts: ["http"] } }] }),
    packet: "a/web -> a/api icmp/8",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "icmp types are told apart",
    given: (w) => w.global("p", { ingress: [{ ...allow, protocol: "ICMP", icmp: { type: 8 } }] }),
    packet: "a/web -> a/api icmp/13",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "ICMP does not match ICMPv6",
    given: (w) => w.global("p", { ingress: [{ ...allow, protocol: "ICMP" }] }),
    packet: "a/web -> a/api icmp6/128",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "ipVersion restricts",
    given: (w) => w.global("p", { ingress: [{ ...allow, ipVersion: 6 }] }),
    packet: "a/web -> a/api tcp/80",
    is: "deny default|gnp:p|-1",
  },
  {
    title: "a rule without addresses holds for both families",
    given: (w) => w.global("p", { ingress: [{ ...allow, ...tcp(80) }] }),
    packet: "a/web -> a/api tcp6/80",
    is: "allow default|gnp:p|0",
  },
  {
    title: "endPort makes a range",
    given: (w) => w.kubernetesPolicy("a/p", { ingress: [{ ports: [{ port: 80, endPort: 85 }] }] }),
    packet: "a/api -> a/web tcp/85",
    is: "allow default|knp:a/p|0",
  },
  {
    title: "a Kubernetes port without number is every port of that protocol",
    given: (w) => w.kubernetesPolicy("a/p", { ingress: [{ ports: [{ protocol: "UDP" }] }] }),
    packet: "a/api -> a/web udp/999",
    is: "allow default|knp:a/p|0",
  },
  {
    title: "and of no other protocol",
    given: (w) => w.kubernetesPolicy("a/p", { ingress: [{ ports: [{ protocol: "UDP" }] }] }),
    packet: "a/api -> a/web tcp/999",
    is: "deny default|knp:a/p|-1",
  },
];

const exemptions: readonly Row[] = [
  {
    title: "a node reaches its own pods",
    given: (w) => w.global("p", { ingress: [deny] }),
    packet: "192.0.2.1 -> a/web tcp/80",
    is: "allow own-node",
  },
  {
    title: "another node does not",
    given: (w) => w.global("p", { ingress: [deny] }),
    packet: "192.0.2.2 -> a/web tcp/80",
    is: "deny default|gnp:p|0",
  },
  {
    title: "a pod's egress policy holds towards its own node",
    given: (w) => w.global("p", { egress: [deny] }),
    packet: "a/web -> 192.0.2.1 tcp/22",
    is: "deny default|gnp:p|0",
  },
  {
    title: "a pod reaches itself",
    given: (w) => w.global("p", { types: ["Ingress", "Egress"] }),
    packet: "a/web -> a/web tcp/80",
    is: "allow self",
  },
  {
    title: "a pod on the host's network is not subject to pod policies",
    given: (w) =>
      w.pod("a/proxy", { app: "web" }, { hostNetwork: true, ips: ["192.0.2.2"] }).global("p", { types: ["Egress"] }),
    packet: "192.0.2.2 -> 8.8.8.8 tcp/80",
    is: "allow outside",
  },
];

for (const [subject, rows] of Object.entries({ order, peers, ports, exemptions }))
  describe(`evaluate: ${subject}`, () => {
    for (const { title, given, packet, is } of rows)
      it(title, () => {
        const builder = given(shop());
        assert.equal(reasonOf(builder, decide(builder, packet)), is);
      });
  });

describe("evaluate: the path", () => {
  it("names every rule that took part, in order", () => {
    const builder = shop()
      .global("early.log", { tier: "early", order: 1, ingress: [{ action: "Log" }] })
      .global("early.pass", { tier: "early", order: 2, ingress: [pass] })
      .global("late.x", { tier: "late", ingress: [allow] });
    const steps = decide(builder, "a/web -> a/api tcp/80").ingress?.steps ?? [];
    const rules = builder.world().program().rules;
    assert.deepEqual(
      steps.map(({ rule, action }) => `${rules.get(rule)?.name} ${action}`),
      ["early.log log", "early.pass pass", "late.x allow"],
    );
  });

  it("names a tier's default among the steps", () => {
    const builder = shop().global("early.x", { tier: "early", ingress: [{ ...deny, ...tcp(22) }] });
    const steps = decide(builder, "a/web -> a/api tcp/80").ingress?.steps ?? [];
    assert.deepEqual(
      steps.map(({ action }) => action),
      ["pass", "allow"],
    );
  });
});

describe("evaluate: pods that differ in little", () => {
  /** Beside b/api, alike in all but what a row says of it. */
  const alike = (labels: object, spec: object) =>
    shop()
      .pod("b/twin", { app: "api", ...labels }, { serviceAccountName: "robot", ...spec })
      .global("p", {
        ingress: [
          { ...allow, ...tcp("http") },
          { ...allow, ...from({ selector: "odd == 'yes'" }) },
        ],
      });
  for (const { title, labels = {}, spec = {}, packets } of [
    {
      title: "are told apart by the ports they declare",
      spec: { ports: [{ name: "http", containerPort: 81 }] },
      packets: { "a/web -> b/api tcp/81": "deny", "a/web -> b/twin tcp/81": "allow" },
    },
    {
      title: "are told apart by their labels",
      labels: { odd: "yes" },
      packets: { "b/api -> a/web tcp/82": "deny", "b/twin -> a/web tcp/82": "allow" },
    },
    {
      title: "are decided alike if they do not",
      packets: { "b/api -> a/web tcp/83": "deny", "b/twin -> a/web tcp/83": "deny" },
    },
  ])
    it(title, () => {
      const builder = alike(labels, spec);
      const world = builder.world();
      const evaluate = evaluatorOf(world.program(), world.placement());
      const actions = Object.keys(packets).map((text) => [text, evaluate(packet(builder, text)).action]);
      assert.deepEqual(Object.fromEntries(actions), packets);
    });

  it("are each named in their own verdict", () => {
    const builder = alike({}, {});
    const world = builder.world();
    const evaluate = evaluatorOf(world.program(), world.placement());
    const named = ["b/api", "b/twin"].map(
      (pod) => evaluate(packet(builder, `a/web -> ${pod} tcp/83`)).ingress?.endpoint,
    );
    assert.deepEqual(named, ["pod:b/api", "pod:b/twin"]);
  });
});

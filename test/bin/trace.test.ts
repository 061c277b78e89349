import assert from "node:assert/strict";
import type { Question } from "../../bin/connections.ts";
import { traceOf } from "../../bin/trace.ts";
import { renderTrace } from "../../bin/trace-text.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { type WorldBuilder, world } from "../support/world.ts";

const tcp = 6;
const icmp = 1;
const icmpv6 = 58;

/** shop/web-1 and shop/web-2 of one workload, shop/db that takes only web's 5432 and pings, and a Service before it. */
function shop(): WorldBuilder {
  const builder = world()
    .namespace("shop")
    .node("node-a", "172.18.0.1")
    .tier("app", 100)
    .policy("shop/app.db", {
      tier: "app",
      selector: "app == 'db'",
      types: ["Ingress"],
      ingress: [
        { action: "Allow", protocol: "TCP", source: { selector: "app == 'web'" }, destination: { ports: [5432] } },
        { action: "Allow", protocol: "ICMP", icmp: { type: 8 } },
      ],
    })
    .pod("shop/web-1", { app: "web" })
    .pod("shop/web-2", { app: "web" })
    .pod("shop/db", { app: "db" }, { ports: [{ name: "sql", containerPort: 5432 }] })
    .pod("shop/old", {}, { ips: ["10.244.1.50"] })
    .pod("shop/six", {}, { ips: ["fd00:10:244:1::6"] });
  builder.objects.push(service("db", { selector: { app: "db" }, ports: [{ port: 80, targetPort: "sql" }] }));
  return builder;
}

function service(name: string, spec: unknown): KubeObject {
  return { apiVersion: "v1", kind: "Service", metadata: { namespace: "shop", name }, spec };
}

function ask(question: Partial<Question>, builder = shop()) {
  const asked = { from: "shop/web-1", to: "shop/db", port: 5432, protocol: tcp, family: null, ...question };
  return traceOf(builder.world(), builder.objects, asked);
}

describe("bin/trace", () => {
  it("tells each stage in fields and in words", () => {
    const [answer] = ask({ from: "8.8.8.8" });
    const [path] = answer?.paths ?? [];
    assert.deepEqual([path?.endpoint, path?.direction, path?.outcome], ["shop/db", "ingress", "deny"]);
    assert.deepEqual(
      path?.stages.map(({ tier, outcome, title, policies }) => ({
        tier,
        outcome,
        title,
        rules: policies[0]?.rules.length,
      })),
      [
        {
          tier: "app",
          outcome: "deny",
          title: "tier app: NetworkPolicy shop/app.db applies, but no rule of the tier matches: its default is deny",
          rules: 2,
        },
      ],
    );
  });

  it("names the pod that a misspelt one may be", () => {
    assert.throws(() => ask({ to: "shop/bd" }), { code: "USAGE", message: /did you mean shop\/db\?/ });
  });

  for (const { title, question, answer } of [
    { title: "a pod by its name", question: {}, answer: "ALLOW  shop/web-1 -> shop/db  TCP port 5432" },
    {
      title: "a workload, where any of its pods will do",
      question: { from: "shop/web" },
      answer: "ALLOW  shop/web-1 -> shop/db  TCP port 5432",
    },
    {
      title: "an address, by its owner",
      question: { from: "10.244.1.2" },
      answer: "ALLOW  shop/web-2 -> shop/db  TCP port 5432",
    },
    {
      title: "an address of nobody",
      question: { from: "8.8.8.8" },
      answer: "DENY  8.8.8.8 -> shop/db  TCP port 5432",
    },
    {
      title: "a node, which always reaches its own pods",
      question: { from: "node:node-a" },
      answer: "ALLOW  node:node-a -> shop/db  TCP port 5432",
    },
    {
      title: "a Service, with the port its pod is reached at",
      question: { to: "service:shop/db", port: 80 },
      answer: "ALLOW  shop/web-1 -> shop/db  TCP port 5432",
    },
    {
      title: "ICMP without a type as an echo request",
      question: { protocol: icmp, port: null },
      answer: "ALLOW  shop/web-1 -> shop/db  ICMP type 8",
    },
    {
      title: "ICMP's type 0, which is an echo reply",
      question: { protocol: icmp, port: 0 },
      answer: "DENY  shop/web-1 -> shop/db  ICMP type 0",
    },
    {
      title: "ICMPv6 between IPv6 addresses",
      question: { protocol: icmpv6, port: null, family: 6 as const },
      answer: "DENY  shop/web-1 -> shop/db  ICMPv6 type 128",
    },
    {
      title: "a protocol without ports",
      question: { protocol: 47, port: null },
      answer: "DENY  shop/web-1 -> shop/db  47",
    },
  ])
    it(`takes ${title}`, () => assert.equal(renderTrace(ask(question)).split("\n")[0], answer));

  it("asks what comes before translation about the Service's address", () => {
    const builder = shop()
      .host("edge", { node: "node-a", interfaceName: "*", profiles: ["projectcalico-default-allow"] }, { role: "edge" })
      .global("pre", {
        ...{ selector: "role == 'edge'", preDNAT: true, applyOnForward: true },
        ingress: [{ action: "Deny", destination: { nets: ["10.96.0.7/32"] } }],
      });
    builder.objects.push(
      service("web", {
        ...{ clusterIP: "10.96.0.7", selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
      }),
    );
    const answers = ask({ to: "service:shop/web", port: 80 }, builder);
    // One of the pods behind it is the one that asks, which nobody knows yet.
    assert.deepEqual(
      answers.map(({ to, action, paths }) => [to, action, paths.at(-1)?.list]),
      [
        ["shop/web-1", "deny", "preDnat"],
        ["shop/web-2", "deny", "preDnat"],
      ],
    );
    assert.equal(ask({ to: "shop/web-2", port: 8080 }, builder)[0]?.action, "allow");
  });

  it("tells what pods may send to their own node", () => {
    const [answer] = ask({ to: "node:node-a", port: 9100 }, shop().settings({ podToHost: "deny" }));
    assert.equal(
      renderTrace(answer === undefined ? [] : [answer]),
      [
        "DENY  shop/web-1 -> node:node-a  TCP port 9100",
        "  egress of shop/web-1:",
        "    1. no policy decided: pods may talk unless a policy says otherwise: allow",
        "  ingress of shop/web-1, to its own node:",
        "    1. pod to its own node is denied by the setting podToHost",
        "",
      ].join("\n"),
    );
  });

  for (const { title, question, message } of [
    { title: "a pod that is not there", question: { from: "shop/nobody" }, message: /"shop\/nobody" is no pod/ },
    { title: "ends of different families", question: { from: "shop/old", to: "shop/six" }, message: /same family/ },
    { title: "a Service that is not there", question: { to: "service:shop/x" }, message: /no Service shop\/x/ },
    {
      title: "a port that the Service has not",
      question: { to: "service:shop/db", port: 81 },
      message: /no port 81\/TCP; it has 80\/TCP/,
    },
  ])
    it(`refuses ${title}`, () => assert.throws(() => ask(question), { code: "USAGE", message }));

  it("says why each rule that was asked did not match", () => {
    const text = renderTrace(ask({ from: "shop/old", port: 1 }));
    assert.match(
      text,
      /1\. tier app: NetworkPolicy shop\/app\.db applies, but no rule of the tier matches: its default is deny\n +NetworkPolicy shop\/app\.db rule 0 \(allow\) does not match: the source is not among the pods in namespace shop with app == "web"\n +NetworkPolicy shop\/app\.db rule 1 \(allow\) does not match: the protocol is TCP, not ICMP\n/,
    );
  });

  it("tells the verdict with everything staged in force, where anything is", () => {
    const staged = shop();
    const spec = { selector: "app == 'db'", types: ["Ingress"], order: 1, tier: "app", ingress: [{ action: "Deny" }] };
    const metadata = { name: "closed", namespace: "shop" };
    staged.objects.push({ apiVersion: "projectcalico.org/v3", kind: "StagedNetworkPolicy", metadata, spec });
    assert.match(
      renderTrace(ask({}, staged)),
      /with everything staged in force: DENY by StagedNetworkPolicy shop\/closed, rule 0 \(a change\)\n$/,
    );
    assert.doesNotMatch(renderTrace(ask({})), /staged/);
  });

  it("gives the same keys to programs, whatever the answer", () => {
    const [one] = ask({});
    assert.deepEqual(Object.keys(one ?? {}), [
      "action",
      "from",
      "to",
      "protocol",
      "port",
      "exempt",
      "paths",
      "pending",
    ]);
    const [path] = one?.paths ?? [];
    assert.deepEqual(Object.keys(path ?? {}), ["endpoint", "list", "direction", "outcome", "stages"]);
  });

  it("says why no policy is asked, and where none decided", () => {
    assert.match(renderTrace(ask({ from: "node:node-a" })), /no policy is asked: a node always reaches the pods/);
    assert.match(renderTrace(ask({})), /egress of shop\/web-1:\n.*no policy decided/);
  });
});

describe("bin/service-backends", () => {
  const behind = (spec: unknown, change: (builder: WorldBuilder) => void = () => {}) => {
    const builder = shop();
    builder.objects.push(service("other", spec));
    change(builder);
    return () => ask({ to: "service:shop/other", port: 80 }, builder).map(({ to, port }) => `${to} ${port}`);
  };

  it("is every pod that the selector chooses", () =>
    assert.deepEqual(behind({ selector: { app: "web" }, ports: [{ port: 80 }] })(), [
      "shop/web-1 80",
      "shop/web-2 80",
    ]));

  it("leaves out pods that have no address yet, or have ended", () => {
    const pending = (builder: WorldBuilder) =>
      builder.objects.push(
        { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name: "web-3", labels: { app: "web" } } },
        {
          ...(builder.objects.find(({ metadata }) => metadata.name === "web-2") as KubeObject),
          metadata: { namespace: "shop", name: "web-4", labels: { app: "web" } },
          status: { phase: "Succeeded", podIP: "10.244.1.99" },
        },
      );
    const spec = { selector: { app: "web" }, ports: [{ port: 80 }] };
    assert.deepEqual(behind(spec, pending)(), ["shop/web-1 80", "shop/web-2 80"]);
  });

  for (const { title, spec, code, message } of [
    { title: "has no selector", spec: { ports: [{ port: 80 }] }, code: "USAGE", message: /no pod stands behind/ },
    {
      title: "names a port that its pods do not declare",
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "sql" }] },
      code: "USAGE",
      message: /pod web-1 declares no port named sql/,
    },
    {
      title: "is malformed",
      spec: { ports: "80" },
      code: "MANIFEST_INVALID",
      message: /^Service shop\/other, spec\.ports: /,
    },
  ])
    it(`refuses a Service that ${title}`, () => assert.throws(behind(spec), { code, message }));
});

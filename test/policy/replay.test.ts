import assert from "node:assert/strict";
import fc from "fast-check";
import type { Flow, FlowEndpoint } from "../../core/records/flow.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { ImpactTally } from "../../policy/impact.ts";
import { type Replayed, replay, replayerOf } from "../../policy/replay.ts";
import type { Packet } from "../../policy/verdict.ts";
import { flow, network, nodeEndpoint, pod, unknown } from "../support/flows.ts";
import { packet, type WorldBuilder, world } from "../support/world.ts";

/** What the record of a packet would say of its ends, by the objects as they are. */
function recorded(builder: WorldBuilder, sent: Packet, parts: Partial<Flow> = {}): Flow {
  const { source, destination, protocol, sourcePort, destinationPort, icmp } = sent;
  return flow({
    sourceAddress: source,
    destinationAddress: destination,
    protocol,
    sourcePort,
    destinationPort,
    icmp: icmp === null ? null : { ...icmp, id: 1 },
    source: ownerOf(builder, source),
    destination: ownerOf(builder, destination),
    ...parts,
  });
}

function ownerOf(builder: WorldBuilder, address: string): FlowEndpoint {
  const addressed = (object: unknown) => JSON.stringify(object).includes(`"${address}"`);
  const found = builder.objects.find(({ kind, status }) => (kind === "Pod" || kind === "Node") && addressed(status));
  if (found === undefined) return network;
  const { name, namespace, labels } = found.metadata;
  if (found.kind === "Node") return nodeEndpoint(name);
  const { nodeName } = found["spec"] as { nodeName: string };
  return { ...pod(`${namespace}/${name}`, labels, nodeName), workload: null };
}

function replayed(builder: WorldBuilder, record: Flow): Replayed {
  const current = builder.world();
  return replayerOf({ program: current.program(), placement: current.placement() })(record);
}

const gone = (path: string, labels: Record<string, string> = {}) => ({ ...pod(path, labels, "node-a") });
const short = ({ before, after, by, why }: Replayed) => [`${before} -> ${after}`, by?.name ?? null, why];

/** shop/db takes web's 5432 (named sql) only, dev/* may not talk to shop. */
function shop(): WorldBuilder {
  return world()
    .namespace("shop", { env: "prod" })
    .namespace("dev", { env: "dev" })
    .node("node-a", "172.18.0.1")
    .tier("security", 100, "Pass")
    .global("dev-not-to-prod", {
      tier: "security",
      namespaceSelector: "env == 'dev'",
      egress: [{ action: "Deny", destination: { namespaceSelector: "env == 'prod'" } }],
    })
    .policy("shop/db", {
      selector: "app == 'db'",
      ingress: [
        { action: "Allow", protocol: "TCP", source: { selector: "app == 'web'" }, destination: { ports: ["sql"] } },
      ],
    })
    .pod("shop/web-1", { app: "web" })
    .pod("shop/db-1", { app: "db", "pod-template-hash": "h1" }, { ports: [{ name: "sql", containerPort: 5432 }] })
    .pod("dev/web-1", { app: "web" });
}

describe("policy/replay", () => {
  const cases: readonly { title: string; sent: string; parts?: Partial<Flow>; becomes: unknown[] }[] = [
    {
      title: "what is allowed by both",
      sent: "shop/web-1 -> shop/db-1 tcp/5432",
      becomes: ["allow -> allow", "db", null],
    },
    {
      title: "what is allowed then and denied now",
      sent: "dev/web-1 -> shop/db-1 tcp/5432",
      becomes: ["allow -> deny", "dev-not-to-prod", null],
    },
    {
      title: "what was denied then and is allowed now",
      sent: "shop/web-1 -> shop/db-1 tcp/5432",
      parts: { state: "denied", denied: "ingress", action: "deny" },
      becomes: ["deny -> allow", "db", null],
    },
    {
      title: "an address by who had it then, not by who has it now",
      sent: "shop/web-1 -> shop/db-1 tcp/5432",
      parts: { source: gone("shop/cart-1", { app: "cart" }) },
      becomes: ["allow -> deny", "db", null],
    },
    {
      title: "a pod by the labels that it had then",
      sent: "shop/web-1 -> shop/db-1 tcp/5432",
      parts: { source: pod("shop/web-1", { app: "web", quarantine: "true" }, "node-a") },
      becomes: ["allow -> allow", "db", null],
    },
    {
      title: "named ports of a pod that is gone by another of its template",
      sent: "shop/web-1 -> 10.9.9.9 tcp/5432",
      parts: { destination: gone("shop/db-7", { app: "db", "pod-template-hash": "h1" }) },
      becomes: ["allow -> allow", "db", null],
    },
    {
      title: "named ports of a pod of which nothing is left as uncertain",
      sent: "shop/web-1 -> 10.9.9.9 tcp/5432",
      parts: { destination: gone("shop/db-7", { app: "db", "pod-template-hash": "h0" }) },
      becomes: ["allow -> uncertain", null, "service account, named ports, Services of shop/db-7"],
    },
    {
      title: "a gone pod for certain where what is lost does not matter",
      sent: "dev/web-1 -> 10.9.9.9 tcp/5432",
      parts: { destination: gone("shop/db-7", { app: "db" }) },
      becomes: ["allow -> deny", "dev-not-to-prod", null],
    },
    {
      title: "a pod of a namespace that is gone as uncertain where policies ask for the namespace's labels",
      sent: "shop/web-1 -> 10.9.9.9 tcp/80",
      parts: { source: gone("old/x-1", { app: "web" }), destination: pod("shop/web-1", { app: "web" }, "node-a") },
      becomes: [
        "allow -> uncertain",
        null,
        "service account, named ports, Services, labels of namespace old of old/x-1; service account, named ports, Services of shop/web-1",
      ],
    },
    {
      title: "an end that nobody knew as uncertain",
      sent: "8.8.8.8 -> shop/db-1 tcp/5432",
      parts: { source: unknown },
      becomes: ["allow -> uncertain", null, "who 8.8.8.8 was"],
    },
    {
      title: "an end that enrichment never saw as uncertain",
      sent: "8.8.8.8 -> shop/db-1 tcp/5432",
      parts: { source: null },
      becomes: ["allow -> uncertain", null, "who 8.8.8.8 was"],
    },
    {
      title: "a record without a verdict as uncertain",
      sent: "shop/web-1 -> shop/db-1 tcp/5432",
      parts: { action: "unknown" },
      becomes: ["unknown -> allow", "db", "what became of it then"],
    },
    {
      title: "a spoofed packet as denied whatever the policies say",
      sent: "shop/web-1 -> shop/db-1 tcp/5432",
      parts: { state: "denied", denied: "egress", action: "deny", reason: "spoofed" },
      becomes: ["deny -> deny", null, null],
    },
    {
      title: "a packet of a revoked connection by the policies, one of which denied it",
      sent: "shop/web-1 -> shop/db-1 tcp/5432",
      parts: { state: "denied", denied: "ingress", action: "deny", reason: "revoked" },
      becomes: ["deny -> allow", "db", null],
    },
    {
      title: "a node and a pod of its own as allowed",
      sent: "172.18.0.1 -> shop/db-1 tcp/22",
      becomes: ["allow -> allow", null, null],
    },
    {
      title: "a pod that talks to itself as allowed",
      sent: "shop/db-1 -> shop/db-1 tcp/22",
      becomes: ["allow -> allow", null, null],
    },
  ];
  for (const { title, sent, parts, becomes } of cases)
    it(`judges ${title}`, () => {
      const builder = shop();
      assert.deepEqual(short(replayed(builder, recorded(builder, packet(builder, sent), parts))), becomes);
    });

  it("asks for labels of the time, also where the pod has others now", () => {
    const builder = shop().global("quarantine", {
      tier: "security",
      order: 1,
      selector: "quarantine == 'true'",
      types: ["Egress"],
      egress: [{ action: "Deny" }],
    });
    const sent = packet(builder, "shop/web-1 -> shop/db-1 tcp/5432");
    const labelled = pod("shop/web-1", { app: "web", quarantine: "true" }, "node-a");
    assert.deepEqual(short(replayed(builder, recorded(builder, sent, { source: labelled }))), [
      "allow -> deny",
      "quarantine",
      null,
    ]);
  });

  it("takes the labels of a namespace without pods where they are given", () => {
    const current = shop().namespace("old", { env: "dev" }).world();
    const old = gone("old/x-1", { app: "web" });
    const record = recorded(shop(), packet(shop(), "shop/web-1 -> shop/db-1 tcp/5432"), { source: old });
    const namespaces = new Map([["old", { env: "dev" }]]);
    const judge = replayerOf({ program: current.program(), placement: current.placement(), namespaces });
    assert.deepEqual(short(judge(record)), ["allow -> deny", "dev-not-to-prod", null]);
  });

  it("takes who was named by a host endpoint as the node that it is", () => {
    const sent = packet(shop(), "dev/web-1 -> 172.18.0.1 tcp/22");
    const asNode = replayed(shop(), recorded(shop(), sent));
    const host = { ...nodeEndpoint("node-a"), kind: "host", name: "edge", labels: { env: "prod" } } as const;
    assert.deepEqual(short(replayed(shop(), recorded(shop(), sent, { destination: host }))), short(asNode));
    assert.equal(asNode.after, "allow");
  });

  it("says what a host endpoint may change as uncertain", () => {
    const builder = shop();
    builder.objects.push({
      apiVersion: "projectcalico.org/v3",
      kind: "HostEndpoint",
      metadata: { name: "node-a-eth0", labels: { role: "node" } },
      spec: { node: "node-a", interfaceName: "eth0", expectedIPs: ["172.18.0.1"] },
    });
    const sent = packet(builder, "8.8.8.8 -> 172.18.0.1 tcp/22");
    assert.deepEqual(short(replayed(builder, recorded(builder, sent))), [
      "allow -> uncertain",
      null,
      "what the host endpoints of node node-a make of it",
    ]);
  });

  it("changes nothing of flows that were decided by the same policies", () =>
    fc.assert(
      fc.property(arbitraryWorld, fc.array(arbitrarySending, { minLength: 1, maxLength: 20 }), (builder, sendings) => {
        const current = builder.world();
        const situation = { program: current.program(), placement: current.placement() };
        const evaluate = evaluatorOf(situation.program, situation.placement);
        const judge = replayerOf(situation);
        for (const sending of sendings) {
          const sent = packet(builder, sending);
          const { action, egress, ingress } = evaluate(sent);
          const state = action === "deny" ? { state: "denied" as const } : {};
          const judged = judge(recorded(builder, sent, { action, ...state }));
          assert.equal(`${sending} ${judged.after}`, `${sending} ${action}`);
          const decider = action === "deny" && egress?.action === "deny" ? egress : (ingress ?? egress);
          const by = decider === null ? undefined : situation.program.rules.get(decider.rule);
          assert.deepEqual(judged.by, by ?? null);
        }
      }),
      { numRuns: 60 },
    )).timeout(10_000);

  it("never contradicts the evaluator about pods that are gone: it agrees or is uncertain", () =>
    fc.assert(
      fc.property(arbitraryWorld, arbitrarySending, fc.constantFrom(...podPaths), (builder, sending, removed) => {
        const full = builder.world();
        const sent = packet(builder, sending);
        const expected = evaluatorOf(full.program(), full.placement())(sent).action;
        const record = recorded(builder, sent, { action: expected });
        const isRemoved = ({ kind, metadata }: WorldBuilder["objects"][number]) =>
          kind === "Pod" && `${metadata.namespace}/${metadata.name}` === removed;
        full.apply(builder.objects.filter(isRemoved).map((object) => ({ type: "delete", object })));
        const judged = replayerOf({ program: full.program(), placement: full.placement() })(record);
        assert.ok([expected, "uncertain"].includes(judged.after), `${sending}: ${judged.after}, not ${expected}`);
      }),
      { numRuns: 60 },
    )).timeout(10_000);

  it("remembers judgements by what policies look at: source ports where they do", () => {
    const builder = world().namespace("shop").pod("shop/web-1").pod("shop/db-1");
    builder.global("low", {
      egress: [{ action: "Deny", protocol: "TCP", source: { ports: ["1:1023"] } }, { action: "Allow" }],
    });
    const current = builder.world();
    const judge = replayerOf({ program: current.program(), placement: current.placement() });
    const sent = packet(builder, "shop/web-1 -> shop/db-1 tcp/80");
    const after = [40_000, 22, 40_000].map((sourcePort) => judge(recorded(builder, { ...sent, sourcePort })).after);
    assert.deepEqual(after, ["allow", "deny", "allow"]);
  });

  it("goes through a stream batch by batch", async () => {
    const builder = shop();
    const current = builder.world();
    const record = recorded(builder, packet(builder, "dev/web-1 -> shop/db-1 tcp/5432"));
    async function* batches() {
      await Promise.resolve();
      yield [record, record];
      yield [record];
    }
    const sizes: number[] = [];
    for await (const batch of replay({ program: current.program(), placement: current.placement() }, batches()))
      sizes.push(batch.length);
    assert.deepEqual(sizes, [2, 1]);
  });
});

describe("policy/impact", () => {
  const origin = { tier: "app", kind: "gnp", namespace: null, name: "p", direction: "egress", action: "deny" } as const;
  const one = (name: string, change: Replayed["change"] = "newlyDenied"): Replayed => ({
    flow: flow({ source: { ...pod(`shop/${name}`), workload: name }, enforced: ["0|app|np:shop/app.web|allow|2"] }),
    before: "allow",
    after: "deny",
    change,
    by: null,
    why: null,
  });

  it("sums up by pair and policy, most flows first, and folds the rest", () => {
    const tally = new ImpactTally();
    for (const name of ["a", "b", "b", "c"]) tally.add(one(name));
    tally.add(one("d", "same"));
    const { pairs, folded, ...counts } = tally.impact(1);
    assert.deepEqual(counts, { flows: 5, same: 1, newlyDenied: 4, newlyAllowed: 0, uncertain: 0 });
    assert.deepEqual(folded, { pairs: 2, flows: 2 });
    assert.deepEqual(pairs, [
      {
        change: "newlyDenied",
        source: "shop/b",
        destination: "prod-shop/api",
        protocol: 6,
        port: 8080,
        formerly: "app|np:shop/app.web|allow|2",
        by: null,
        why: null,
        flows: 2,
        bytes: 5000,
      },
    ]);
  });

  it("keeps no more pairs than fit, and counts the flows of the others", () => {
    const tally = new ImpactTally();
    const denied = one("a");
    for (let at = 0; at < 50_010; at++) tally.add({ ...denied, by: { ...origin, rule: at } });
    const { pairs, folded } = tally.impact(10);
    assert.equal(pairs.length, 10);
    assert.deepEqual(folded, { pairs: 49_990, flows: 50_000 });
  });
});

const podPaths = ["a/web-1", "a/db-1", "b/web-1", "b/api-1"] as const;
const selectors = ["app == 'web'", "app != 'db'", "!has(tier)", "has(app)", "tier == 'gold'", "all()"];
const namespaceSelectors = ["env == 'x'", "env != 'x'", "all()", "projectcalico.org/name == 'b'", "global()"];
const accounts = [{ names: ["robot"] }, { selector: "role == 'ci'" }];

const arbitraryEntity = fc.oneof(
  fc.constant({}),
  fc.constantFrom(...selectors).map((selector) => ({ selector })),
  fc.constantFrom(...selectors).map((notSelector) => ({ notSelector })),
  fc.constantFrom(...namespaceSelectors).map((namespaceSelector) => ({ namespaceSelector })),
  fc.constantFrom(...accounts).map((serviceAccounts) => ({ serviceAccounts })),
  fc.constantFrom("10.244.1.0/24", "8.8.0.0/16").map((cidr) => ({ nets: [cidr] })),
);
const arbitraryRule = fc
  .record({
    action: fc.constantFrom("Allow", "Deny", "Pass", "Log"),
    source: arbitraryEntity,
    destination: arbitraryEntity,
    ports: fc.constantFrom(undefined, [80], ["http"], ["8000:8100", "http"]),
    sourcePorts: fc.constantFrom(undefined, undefined, ["1:39999"], [40_000]),
  })
  .map(({ ports, sourcePorts, source, destination, ...rule }) =>
    ports === undefined
      ? { ...rule, source, destination }
      : {
          ...rule,
          protocol: "TCP",
          source: sourcePorts === undefined ? source : { ...source, ports: sourcePorts },
          destination: { ...destination, ports },
        },
  );
const arbitrarySpec = fc.record({
  tier: fc.constantFrom("first", "default"),
  order: fc.integer({ min: 1, max: 3 }),
  selector: fc.constantFrom(...selectors),
  types: fc.constantFrom(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
  ingress: fc.array(arbitraryRule, { maxLength: 3 }),
  egress: fc.array(arbitraryRule, { maxLength: 3 }),
});

const arbitraryWorld = fc
  .record({ globals: fc.array(arbitrarySpec, { maxLength: 3 }), own: fc.array(arbitrarySpec, { maxLength: 2 }) })
  .map(({ globals, own }) => {
    const http = { ports: [{ name: "http", containerPort: 8080 }] };
    const builder = world()
      .namespace("a", { env: "x" })
      .namespace("b")
      .node("node-a", "172.18.0.1")
      .node("node-b", "172.18.0.2")
      .serviceAccount("b/robot", { role: "ci" })
      .tier("first", 10, "Pass")
      .pod("a/web-1", { app: "web", tier: "gold" }, http)
      .pod("a/db-1", { app: "db" })
      .pod("b/web-1", { app: "web" }, { ...http, serviceAccountName: "robot", node: "node-b" })
      .pod("b/api-1", {}, { node: "node-b" });
    for (const [at, spec] of globals.entries()) builder.global(`g${at}`, spec);
    for (const [at, spec] of own.entries()) builder.policy(`a/n${at}`, spec);
    return builder;
  });

const arbitrarySending = fc
  .record({
    from: fc.constantFrom(...podPaths, "172.18.0.1", "8.8.8.8"),
    to: fc.constantFrom(...podPaths, "172.18.0.2", "8.8.4.4"),
    what: fc.constantFrom("tcp/80", "tcp/8080", "udp/80", "icmp/8"),
  })
  .map(({ from, to, what }) => `${from} -> ${to} ${what}`);

import assert from "node:assert/strict";
import { parseCidr } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { bitsOf } from "../../core/rule-id.ts";
import { Enforcer, type EnforcerStatus } from "../../enforcer/enforcer.ts";
import { KernelInterfaces } from "../../enforcer/interfaces-kernel.ts";
import { type NftAccess, openNft } from "../../enforcer/nft-open.ts";
import { defaultSettings } from "../../enforcer/render.ts";
import { Lab } from "../../lab/lab.ts";
import type { Probe } from "../../lab/traffic/messages.ts";
import { World } from "../../policy/world.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod, service } from "../lab/objects.ts";
import { runIn } from "../support/namespace.ts";
import { until } from "../support/until.ts";

// Tiers: pods labelled `quarantine` may not send; the rest is up to the namespace's own policies.
const policies: readonly KubeObject[] = [
  object("v1", "Namespace", { name: "shop" }),
  object("projectcalico.org/v3", "Tier", { name: "security" }, { order: 100, defaultAction: "Pass" }),
  object(
    "projectcalico.org/v3",
    "GlobalNetworkPolicy",
    { name: "security.quarantine" },
    {
      tier: "security",
      selector: "quarantine == 'yes'",
      types: ["Egress"],
      egress: [{ action: "Deny" }],
    },
  ),
  object(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    { namespace: "shop", name: "db" },
    {
      podSelector: { matchLabels: { app: "db" } },
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: { app: "web" } } }],
          ports: [
            { port: "http", protocol: "TCP" },
            { port: 8080, protocol: "UDP" },
          ],
        },
      ],
    },
  ),
];
const web = pod("shop/web", { ips: ["10.244.1.2", "fd00:10:244:1::2"] });
const other = pod("shop/other", { ips: ["10.244.1.3", "fd00:10:244:1::3"] });
const near = pod("shop/near", { ips: ["10.244.1.4", "fd00:10:244:1::4"], labels: { app: "db" } });
const bad = pod("shop/bad", { on: 2, ips: ["10.244.2.3", "fd00:10:244:2::3"], labels: { quarantine: "yes" } });
const db = pod("shop/db", { on: 2, ips: ["10.244.2.2", "fd00:10:244:2::2"] });
// In the lab, but nobody tells the policy engine about it.
const unknown = pod("shop/unknown", { ips: ["10.244.1.9", "fd00:10:244:1::9"] });
const dbService = service("shop/db", {
  clusterIPs: ["10.96.0.2", "fd00:10:96::2"],
  selector: { app: "db" },
  ports: [{ port: 80, targetPort: "http" }],
});
const selfService = service("shop/other", {
  clusterIPs: ["10.96.0.3"],
  selector: { app: "other" },
  ports: [{ port: 80, targetPort: "http" }],
});
const known = [node(1), node(2), web, other, near, bad, db];

interface Case {
  readonly title: string;
  readonly from: string;
  readonly probe: Probe;
  readonly passes: boolean;
}
const tcp = (address: string, port = 8080): Probe => ({ protocol: "tcp", address, port, timeoutMs: 400 });
const udp = (address: string): Probe => ({ protocol: "udp", address, port: 8080, timeoutMs: 400 });
const ping = (address: string): Probe => ({ protocol: "icmp", address, timeoutMs: 400 });
const cases: readonly Case[] = [
  { title: "web reaches db on another node by a named port", from: "shop/web", probe: tcp("10.244.2.2"), passes: true },
  { title: "web reaches db by IPv6", from: "shop/web", probe: tcp("fd00:10:244:2::2"), passes: true },
  { title: "web reaches db by UDP", from: "shop/web", probe: udp("10.244.2.2"), passes: true },
  { title: "web may not ping db", from: "shop/web", probe: ping("10.244.2.2"), passes: false },
  { title: "web reaches db by its Service", from: "shop/web", probe: tcp("10.96.0.2", 80), passes: true },
  { title: "web reaches a pod of its own node", from: "shop/web", probe: tcp("10.244.1.4"), passes: true },
  { title: "another pod does not reach db", from: "shop/other", probe: tcp("10.244.2.2"), passes: false },
  { title: "another pod does not reach db by IPv6", from: "shop/other", probe: udp("fd00:10:244:2::2"), passes: false },
  {
    title: "another pod does not reach db by its Service",
    from: "shop/other",
    probe: tcp("10.96.0.2", 80),
    passes: false,
  },
  {
    title: "another pod does not reach one of its own node",
    from: "shop/other",
    probe: tcp("10.244.1.4"),
    passes: false,
  },
  { title: "a pod in quarantine reaches nobody", from: "shop/bad", probe: tcp("10.244.1.2"), passes: false },
  {
    title: "a pod in quarantine does not reach its own node",
    from: "shop/bad",
    probe: ping("172.30.0.12"),
    passes: false,
  },
  { title: "others reach a pod in quarantine", from: "shop/other", probe: tcp("10.244.2.3"), passes: true },
  { title: "a pod reaches its own node", from: "shop/other", probe: ping("172.30.0.11"), passes: true },
  { title: "a pod reaches itself by its Service", from: "shop/other", probe: tcp("10.96.0.3", 80), passes: true },
  { title: "a node reaches the pods that run on it", from: "node:node-2", probe: tcp("10.244.2.2"), passes: true },
  {
    title: "a node reaches the pods that run on it by IPv6",
    from: "node:node-2",
    probe: ping("fd00:10:244:2::2"),
    passes: true,
  },
  {
    title: "a node does not reach a guarded pod of another node",
    from: "node:node-1",
    probe: tcp("10.244.2.2"),
    passes: false,
  },
  { title: "a pod that nobody knows reaches nobody", from: "shop/unknown", probe: tcp("10.244.2.3"), passes: false },
  { title: "nobody reaches a pod that nobody knows", from: "shop/other", probe: tcp("10.244.1.9"), passes: false },
  {
    title: "a pod does not get through with another's address",
    from: "shop/other",
    probe: { ...udp("10.244.2.2"), sourceAddress: "10.244.1.2" },
    passes: false,
  },
];

describe("enforcement by this machine's kernel", function () {
  this.timeout(60_000);
  needsLab();

  const objects = [...known, unknown, dbService, selfService];
  const lab = new Lab({ name: "enftest", objects, clock: systemClock, log: silentLog });
  const world = new World();
  const interfaces = new KernelInterfaces();
  const stop = new AbortController();
  let nft: NftAccess;
  let enforcers: readonly Enforcer[] = [];
  const runs: Promise<void>[] = [];
  const update = () => {
    for (const [index, enforcer] of enforcers.entries())
      enforcer.update(world.program(), world.placement(), {
        podCidrs: [parseCidr(`10.244.${index + 1}.0/24`), parseCidr(`fd00:10:244:${index + 1}::/64`)],
      });
  };
  const applied = () => enforcers.map(({ status }) => status.applied);
  const namespaceOf = (index: number) => lab.nodes[index]?.namespacePath.split("/").at(-1) ?? "";
  const table = (index: number) => runIn(namespaceOf(index), "nft", "list", "table", "inet", "sluice");

  before(async () => {
    await lab.up();
    await lab.startAgents();
    nft = await openNft();
    enforcers = lab.nodes.map(
      ({ name, namespacePath }) =>
        new Enforcer({
          node: name,
          nft: nft.in(namespacePath),
          interfaces: interfaces.in(namespacePath),
          clock: systemClock,
          log: silentLog,
          settings: defaultSettings,
          random: () => 0,
        }),
    );
    for (const enforcer of enforcers) runs.push(enforcer.run(stop.signal));
    assert.deepEqual(world.apply([...known, ...policies].map((object) => ({ type: "upsert", object }))), []);
    update();
    await until("the first rulesets", () => enforcers.every(({ status }) => status.revision !== null));
  });
  after(async () => {
    stop.abort();
    await Promise.all(runs);
    await interfaces.close();
    await nft?.close();
    await lab.down();
  });

  const probe = async (from: string, what: Probe) => (await lab.agent(from)).probe(what);

  for (const { title, from, probe: what, passes } of cases)
    it(title, async () => {
      const { answered, error } = await probe(from, what);
      assert.equal(answered, passes, error ?? "answered");
    });

  it("an allowed connection carries the deciding rules of both ends in its conntrack label", async () => {
    const rules = [...world.program().rules];
    const ingress = rules.find(([, { name, rule }]) => name === "db" && rule === 0)?.[0];
    const egress = rules.find(
      ([, { kind, name, direction, rule }]) => kind === "pro" && name === "kns" && direction === "egress" && rule === 0,
    );
    assert.ok(ingress !== undefined && egress !== undefined);
    // On the node of both ends, after our chains, two rules each that want every bit of one id: the kernel limits the size of a rule.
    const namespace = namespaceOf(0);
    runIn(namespace, "nft", "add table inet probe; add chain inet probe c { type filter hook forward priority 50 ; }");
    for (const [id, offset] of [
      [ingress, 64],
      [egress[0], 0],
    ] as const) {
      const bits = bitsOf(id).map((bit) => `ct label ${bit + offset}`);
      const [first, rest] = [bits.slice(0, 20), bits.slice(20)].map((some) => some.join(" "));
      runIn(namespace, "nft", `add chain inet probe rest${offset}`);
      runIn(namespace, "nft", `add rule inet probe rest${offset} ${rest} counter`);
      runIn(namespace, "nft", `add rule inet probe c tcp dport 8080 ${first} jump rest${offset}`);
    }
    await probe("shop/web", tcp("10.244.1.4"));
    const counters = [...runIn(namespace, "nft", "list", "table", "inet", "probe").matchAll(/packets (\d+)/g)];
    runIn(namespace, "nft", "delete table inet probe");
    assert.deepEqual(
      counters.map(([, packets]) => Number(packets) > 0),
      [true, true],
    );
  });

  it("a label change that flips a verdict reaches the kernel as a few commands", async () => {
    const before = applied();
    const friend = { ...other, metadata: { ...other.metadata, labels: { app: "web" } } };
    world.apply([{ type: "upsert", object: friend }]);
    update();
    await until("both rulesets", () => applied().every((count, index) => count > (before[index] ?? 0)));
    assert.equal((await probe("shop/other", tcp("10.244.2.2"))).answered, true);
    for (const { status } of enforcers) assert.ok(status.commands <= 4, `${status.commands} commands`);
    world.apply([{ type: "upsert", object: other }]);
    update();
    await until("both rulesets", () => applied().every((count, index) => count > (before[index] ?? 0) + 1));
    assert.equal((await probe("shop/other", tcp("10.244.2.2"))).answered, false);
  });

  it("a pod that was expected is enforced by its address in a set, and later by the maps, all the same", async () => {
    const isIn = (map: string) => {
      try {
        return runIn(namespaceOf(0), "nft", `get element inet sluice ${map} { 10.244.1.9 }`).includes("jump");
      } catch {
        return false;
      }
    };
    const change = async (object: KubeObject) => {
      const before = applied()[0] ?? 0;
      world.apply([{ type: "upsert", object }]);
      update();
      await until("the ruleset", () => (applied()[0] ?? 0) > before);
    };
    const verdicts = async () => [
      (await probe("shop/unknown", tcp("10.244.2.3"))).answered,
      (await probe("shop/unknown", tcp("10.244.2.2"))).answered,
      (await probe("shop/other", tcp("fd00:10:244:1::9"))).answered,
    ];
    await change({ ...unknown, status: { phase: "Pending" } });
    assert.deepEqual(await verdicts(), [false, false, false]);
    await change(unknown);
    assert.deepEqual([isIn("egress4"), isIn("ingress4")], [false, false]);
    assert.deepEqual(await verdicts(), [true, false, true]);
    await until("the maps", () => isIn("egress4") && isIn("ingress4"), 10_000);
    assert.deepEqual(await verdicts(), [true, false, true]);
    assert.deepEqual(
      enforcers.map(({ status }) => status.failed + status.repaired),
      [0, 0],
    );
  });

  it("rules deleted behind its back come back with the next change", async () => {
    runIn(namespaceOf(0), "nft", "delete", "table", "inet", "sluice");
    world.apply([{ type: "upsert", object: { ...other, metadata: { ...other.metadata, labels: { app: "web" } } } }]);
    update();
    const rewritten = (status?: EnforcerStatus) => status?.failure === null && status.failed + status.repaired > 0;
    await until("the table", () => rewritten(enforcers[0]?.status));
    assert.match(table(0), /chain egress_forward/);
  });

  it("leaves no table behind when told so", async () => {
    await Promise.all(enforcers.map((enforcer) => enforcer.stop({ leaveRules: false })));
    for (const index of [0, 1]) assert.throws(() => table(index), /No such file or directory/);
  });
});

function object(apiVersion: string, kind: string, metadata: KubeObject["metadata"], spec: object = {}): KubeObject {
  return { apiVersion, kind, metadata, spec };
}

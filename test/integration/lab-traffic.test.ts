import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { command } from "../../lab/command.ts";
import { Lab } from "../../lab/lab.ts";
import { ManifestFolder } from "../../lab/manifest-folder.ts";
import { runScenario } from "../../lab/run-scenario.ts";
import { readScenario } from "../../lab/scenario.ts";
import type { Probe } from "../../lab/traffic/messages.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod, service } from "../lab/objects.ts";
import { until } from "../support/until.ts";

const web = pod("shop/web", { ips: ["10.244.1.2", "fd00:10:244:1::2"] });
const db = pod("shop/db", { on: 2, ips: ["10.244.2.2", "fd00:10:244:2::2"] });
const spare = pod("shop/spare", { ips: ["10.244.1.3"] });
const dbService = service("shop/db", {
  clusterIPs: ["10.96.0.2"],
  selector: { app: "db" },
  ports: [{ port: 80, targetPort: "http" }],
});
const toDb: Probe = { protocol: "tcp", address: "10.244.2.2", port: 8080 };
const toService: Probe = { protocol: "tcp", address: "10.96.0.2", port: 80, timeoutMs: 3000 };

describe("traffic in a lab", function () {
  this.timeout(60_000);
  needsLab();

  let lab: Lab;
  before(async () => {
    lab = await started();
  });
  after(() => lab?.down());

  const probe = async (from: string, what: Probe) => (await lab.agent(from)).probe(what);

  const counted: readonly {
    readonly title: string;
    readonly probe: Probe;
    readonly sent: number;
    readonly received: number;
  }[] = [
    {
      title: "TCP, an echo",
      probe: { ...toDb, payloadBytes: 100_000, timeoutMs: 5000 },
      sent: 100_000,
      received: 100_000,
    },
    {
      title: "TCP, an answer of another size",
      probe: { ...toDb, payloadBytes: 100, replyBytes: 70_000, timeoutMs: 5000 },
      sent: 100,
      received: 70_000,
    },
    { title: "TCP without payload", probe: { ...toDb, payloadBytes: 0 }, sent: 0, received: 0 },
    { title: "UDP", probe: { ...toDb, protocol: "udp", payloadBytes: 1200 }, sent: 1200, received: 1200 },
    { title: "UDP in fragments", probe: { ...toDb, protocol: "udp", payloadBytes: 9000 }, sent: 9000, received: 9000 },
    { title: "HTTP, an echo", probe: { ...toDb, protocol: "http", payloadBytes: 5000 }, sent: 5000, received: 5000 },
    {
      title: "HTTP, an answer of another size",
      probe: { ...toDb, protocol: "http", payloadBytes: 10, replyBytes: 9000 },
      sent: 10,
      received: 9000,
    },
    { title: "ICMP", probe: { protocol: "icmp", address: "10.244.2.2", payloadBytes: 56 }, sent: 56, received: 56 },
    {
      title: "ICMPv6",
      probe: { protocol: "icmp", address: "fd00:10:244:2::2", payloadBytes: 56 },
      sent: 56,
      received: 56,
    },
  ];

  it("counts the bytes of each protocol", async () => {
    for (const { title, probe: what, sent, received } of counted) {
      const { answered, sentBytes, receivedBytes } = await probe("shop/web", what);
      assert.deepEqual(
        { title, answered, sentBytes, receivedBytes },
        { title, answered: true, sentBytes: sent, receivedBytes: received },
      );
    }
  });

  it("tells refusal from silence", async () => {
    const outcomes: readonly [Probe, string][] = [
      [{ ...toDb, port: 1 }, "ECONNREFUSED"],
      [{ ...toDb, port: 1, protocol: "udp" }, "ECONNREFUSED"],
      [{ ...toDb, port: 1, protocol: "http" }, "ECONNREFUSED"],
      [{ ...toDb, address: "10.244.2.99", timeoutMs: 300 }, "timeout"],
      [{ ...toDb, address: "192.0.2.1" }, "ENETUNREACH"],
    ];
    for (const [what, error] of outcomes) {
      const result = await probe("shop/web", what);
      assert.deepEqual([result.answered, result.error], [false, error], JSON.stringify(what));
    }
  });

  it("refuses an address that is none", () =>
    assert.rejects(probe("shop/web", { ...toDb, address: "db.shop" }), { code: "ADDRESS_INVALID" }));

  it("comes from the port that was asked for", async () => {
    for (const protocol of ["tcp", "udp", "http"] as const) {
      const { sourcePort } = await probe("shop/web", { ...toDb, protocol, sourcePort: 23_456 });
      assert.equal(sourcePort, 23_456);
    }
  });

  for (const { title, address, spoofed, family } of [
    {
      title: "a spoofed IPv4 source reaches another node where no policy is loaded",
      address: "10.244.2.2",
      spoofed: "10.244.1.3",
      family: "ip",
    },
    {
      title: "a spoofed IPv6 source reaches another node where no policy is loaded",
      address: "fd00:10:244:2::2",
      spoofed: "2001:db8::bad",
      family: "ip6",
    },
  ])
    for (const protocol of ["tcp", "udp", "icmp"] as const)
      it(`${title}: ${protocol}`, async () => {
        const count = await countPackets("shop.db", `${family} saddr ${spoofed}`);
        const { answered } = await probe("shop/web", {
          protocol,
          address,
          ...(protocol === "icmp" ? {} : { port: 8080 }),
          sourceAddress: spoofed,
          timeoutMs: 500,
        });
        assert.equal(answered, false);
        assert.ok((await count()) > 0);
        const own = await command("ip", ["-n", "sluice-labtraffic-pod-shop.web", "addr", "show", "dev", "eth0"]);
        assert.ok(!own.includes(spoofed), "the pod gave the address back");
      });

  it("calls go on until they are stopped, and are counted", async () => {
    const agent = await lab.agent("shop/web");
    await agent.start([
      { name: "short", probe: toDb, everyMs: 20, count: 3 },
      { name: "kept", probe: toDb, everyMs: 20, keepOpen: true },
      { name: "refused", probe: { ...toDb, port: 1 }, everyMs: 20, keepOpen: true },
    ]);
    await assert.rejects(agent.start([{ name: "kept", probe: toDb, everyMs: 20 }]), { message: /running already/ });
    await until("some repetitions", async () => (await agent.totals()).every(({ attempts }) => attempts >= 3));
    const [short, kept, refused] = await agent.stop();
    assert.deepEqual(short, {
      name: "short",
      attempts: 3,
      answered: 3,
      sentBytes: 96,
      receivedBytes: 96,
      lastError: null,
    });
    assert.ok(kept !== undefined && kept.answered >= 3 && kept.answered === kept.attempts);
    assert.equal(kept.sentBytes, 32 * kept.attempts);
    assert.ok(
      refused !== undefined &&
        refused.answered === 0 &&
        refused.lastError === "ECONNREFUSED" &&
        refused.sentBytes === 0,
    );
  });

  it("asking for somebody unknown is a clear error", () =>
    assert.rejects(lab.agent("shop/nobody"), { code: "LAB_FAILED", message: /nothing called "shop\/nobody"/ }));
});

describe("traffic in a lab that changes", function () {
  this.timeout(60_000);
  needsLab();

  let lab: Lab;
  beforeEach(async () => {
    lab = await started();
  });
  afterEach(() => lab?.down());

  const probe = async (from: string, what: Probe) => (await lab.agent(from)).probe(what);

  it("a new pod takes over an address at once", async () => {
    assert.equal((await probe("shop/web", toDb)).answered, true);
    await lab.removePod("shop/db");
    assert.equal((await probe("shop/web", { ...toDb, timeoutMs: 300 })).answered, false);
    await lab.addPod(pod("shop/heir", { on: 2, ips: ["10.244.2.2", "fd00:10:244:2::2"], labels: { app: "db" } }));
    await (await lab.agent("shop/heir")).serve([]);
    assert.equal((await probe("shop/web", toDb)).answered, true);
    assert.equal((await probe("shop/web", toService)).answered, true, "the Service follows");
    assert.equal((await probe("shop/heir", { ...toDb, address: "10.244.1.2" })).answered, true);
  });

  it("a Service follows the labels of pods, and refuses when nobody is left", async () => {
    const labelled = (object: KubeObject, app: string) => ({
      ...object,
      metadata: { ...object.metadata, labels: { app } },
    });
    await lab.updateServices([labelled(db, "other")]);
    assert.equal((await probe("shop/web", toService)).error, "ECONNREFUSED");
    await lab.updateServices([labelled(spare, "db")]);
    assert.equal((await probe("shop/web", toService)).answered, true);
  });

  it("a scenario edits the manifests as it changes the cluster", async () => {
    const folder = await writtenDown(lab.scratch, [web, db]);
    const heir = pod("shop/heir", { on: 2, ips: ["10.244.2.2"] });
    const scenario = readScenario({
      apiVersion: "lab.sluice.dev/v1alpha1",
      kind: "Scenario",
      metadata: { name: "s" },
      spec: {
        calls: [
          { name: "web", from: "pod:shop/web", to: "address:10.244.2.2", protocol: "tcp", port: 8080, everyMs: 50 },
          { name: "heir", from: "pod:shop/heir", to: "pod:shop/web", protocol: "udp", port: 8080, everyMs: 50 },
        ],
        steps: [
          { atMs: 300, patchLabels: { kind: "Pod", namespace: "shop", name: "web", labels: { quarantine: "true" } } },
          { atMs: 200, replacePod: { remove: "shop/db", create: heir } },
        ],
      },
    });
    const stop = new AbortController();
    const answers = async (of: string) => (await (await lab.agent(of)).totals())[0]?.answered ?? 0;
    let steps = 0;
    const onStep = () => {
      steps += 1;
    };
    const run = runScenario({ lab, scenario, folder, clock: systemClock, log: silentLog, signal: stop.signal, onStep });
    await until("both steps", () => steps === 2, 20_000);
    await until("calls of the new pod", async () => (await answers("shop/heir")) > 1);
    await until("calls of the old pod", async () => (await answers("shop/web")) > 1);
    stop.abort();
    const totals = await run;
    const after = await new ManifestFolder(folder).objects();
    assert.deepEqual(after.map(({ metadata }) => metadata.name).sort(), ["heir", "web"]);
    assert.match(after.find(({ metadata }) => metadata.name === "heir")?.metadata.creationTimestamp ?? "", /^20/);
    assert.equal(after.find(({ metadata }) => metadata.name === "web")?.metadata.labels?.["quarantine"], "true");
    assert.deepEqual(totals.map(({ name }) => name).sort(), ["heir", "web"]);
    for (const { answered } of totals) assert.ok(answered > 1);
  });
});

/** A lab that is up, every port answering. */
async function started(): Promise<Lab> {
  const objects = [node(1), node(2), web, db, spare, dbService];
  const lab = new Lab({ name: "labtraffic", objects, clock: systemClock, log: silentLog });
  await lab.up();
  await lab.startAgents();
  return lab;
}

/** Counts packets that arrive in a pod; returns how to read the count. */
async function countPackets(podName: string, match: string): Promise<() => Promise<number>> {
  const inside = ["netns", "exec", `sluice-labtraffic-pod-${podName}`, "nft"];
  const rule = `${match} counter`;
  await command(
    "ip",
    [...inside, "-f", "-"],
    `table inet probe { chain seen { type filter hook prerouting priority -300; ${rule}; }; }\n`,
  );
  return async () => {
    const listed = await command("ip", [...inside, "list", "table", "inet", "probe"]);
    return Number(/counter packets (\d+)/.exec(listed)?.[1] ?? 0);
  };
}

/** A folder with one file per object. */
async function writtenDown(parent: string, objects: readonly KubeObject[]): Promise<string> {
  const folder = await mkdtemp(join(parent, "manifests-"));
  await Promise.all(
    objects.map((object) => writeFile(join(folder, `${object.metadata.name}.yaml`), stringify(object))),
  );
  return folder;
}

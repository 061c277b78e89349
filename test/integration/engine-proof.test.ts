import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineArchive } from "../../bin/engine-archive.ts";
import { judgeNode } from "../../bin/node-status.ts";
import { policyUses } from "../../bin/policy-hits.ts";
import { readAllHits, readStatuses } from "../../bin/status-folder.ts";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import { EngineLab } from "./engine-lab.ts";

// node-1 has shop/mallory, node-2 has shop/db, whom nobody may ask.
const ports = [{ containerPort: 5353, protocol: "UDP" }];
const nodes: readonly KubeObject[] = [1, 2].map((number) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `node-${number}` },
  spec: { podCIDRs: [`10.93.${number}.0/24`] },
  status: { addresses: [{ type: "InternalIP", address: `172.31.1.${number}` }] },
}));
const pods = world()
  .pod("shop/db", { app: "db" }, { node: "node-2", ports, ips: ["10.93.2.11"] })
  .pod("shop/mallory", { app: "none" }, { node: "node-1", ips: ["10.93.1.13"] }).objects;
const policies = world()
  .namespace("shop")
  .tier("app", 100)
  .policy("shop/app.db", { tier: "app", selector: "app == 'db'", ingress: [] }).objects;

describe("an engine that proves that it enforces", function () {
  this.timeout(60_000);
  needsKernel("nft");

  const folder = mkdtempSync(join(tmpdir(), "sluice-proof-"));
  const flags = { "enforcer.probe-ms": "1000", "enricher.agreement-sample": "1", "data.folder": folder };
  const engine = new EngineLab({ name: "proof", cluster: [...nodes, ...pods], policies, flags });
  const { lab, metrics } = engine;
  const alerts: string[] = [];

  before(() =>
    engine.up((config) => ({
      openStore: engineArchive({ config, clock: systemClock, log: silentLog }),
      onAlert: (text) => void alerts.push(text),
    })),
  );

  after(async () => {
    try {
      await engine.stop();
      const all = await readStatuses(folder);
      assert.deepEqual(
        all.map((status) => judgeNode(status, systemClock.now()).state),
        ["stopped", "stopped"],
      );
    } finally {
      await engine.down();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  const stateOf = async (node: string) => {
    const status = (await readStatuses(folder)).find((each) => each.node === node);
    return status && judgeNode(status, systemClock.now());
  };
  const metric = async (line: string) => (await metrics.text()).split("\n").find((text) => text.startsWith(line));

  it("tells of each node what is wanted, applied and proven", async () => {
    await until(
      "both nodes to be proven",
      async () => {
        const states = await Promise.all(["node-1", "node-2"].map(stateOf));
        return states.every((state) => state?.state === "enforcing" && state.words.startsWith("proven"));
      },
      15_000,
    );
    const [status] = await readStatuses(folder);
    assert.equal(status?.revision.applied, status?.revision.wanted);
    assert.ok((status?.size.rules ?? 0) > 10 && (status?.size.sets ?? 0) > 10 && status?.applies !== 0);
    assert.equal(await metric('sluice_enforcer_proven{node="node-1"}'), 'sluice_enforcer_proven{node="node-1"} 1');
    assert.deepEqual(alerts, []);
  });

  it("says so where another drops what should meet the rules, and when that is over", async () => {
    const namespace = engine.namespaceOf("node-1");
    runIn(namespace, "nft", "add table inet foreign");
    runIn(namespace, "nft", "add chain inet foreign c { type filter hook forward priority -200; policy drop; }");
    await until(
      "the alert",
      () => alerts.find((text) => text.startsWith("node-1 does not enforce: packet forward-allowed")),
      15_000,
    );
    await until("the status", async () => (await stateOf("node-1"))?.state === "not-enforceable");
    assert.equal(await metric('sluice_enforcer_proven{node="node-1"}'), 'sluice_enforcer_proven{node="node-1"} 0');
    assert.equal((await stateOf("node-2"))?.state, "enforcing");
    runIn(namespace, "nft", "delete table inet foreign");
    await until("the end of it", () => alerts.find((text) => text.startsWith("node-1 enforces again")), 15_000);
    await until("the status", async () => (await stateOf("node-1"))?.state === "enforcing");
  });

  it("counts what a rule denied, for policy hits", async () => {
    const agent = await lab.agent("shop/mallory");
    await agent.probe({ protocol: "udp", address: "10.93.2.11", port: 5353, sourcePort: 20_999, timeoutMs: 300 });
    const use = await until(
      "the hits",
      async () => {
        const now = systemClock.now();
        return policyUses(await readAllHits(folder), { now, since: null }).find(
          ({ policy, hits }) => policy === "NetworkPolicy shop/app.db" && hits > 0,
        );
      },
      25_000,
    );
    assert.deepEqual([use.tier, use.nodes.includes("node-2")], ["app", true]);
    assert.ok(use.lastHit !== null && use.lastHit >= use.since);
  });

  it("finds a connection that the kernel let through although the policies deny it", async () => {
    const agent = await lab.agent("shop/mallory");
    let port = 21_000;
    const alert = await until(
      "the disagreement",
      async () => {
        // Whoever repairs the rules may do so at once, so they are broken for each packet anew.
        runIn(engine.namespaceOf("node-2"), "nft", "insert rule inet sluice ingress_forward accept");
        await agent.probe({ protocol: "udp", address: "10.93.2.11", port: 5353, sourcePort: port++, timeoutMs: 300 });
        return alerts.find((text) => text.startsWith("the kernel of node-2 let through what the policies deny"));
        // Verdicts of the first seconds are not compared.
      },
      20_000,
    );
    assert.match(
      alert,
      /10\.93\.1\.13 → 10\.93\.2\.11:5353 \(protocol 17, ingress\), rule none, expected [0-9a-f]{16}$/,
    );
    assert.match((await metric('sluice_agreement_disagreements_total{kind="allowed"}')) ?? "", / [1-9]\d*$/);
  });
});

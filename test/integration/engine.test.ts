import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isoTime, systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { FakeStore } from "../bin/fake-engine.ts";
import { runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import { EngineLab } from "./engine-lab.ts";

// The whole product on a small cluster: node-1 has shop/web, node-2 has shop/db. Only web may ask db, on 8080 and 5353.
const ports = [{ containerPort: 8080 }, { containerPort: 5353, protocol: "UDP" }];
const web = { node: "node-1", ports, ips: ["10.92.1.11", "fd00:92:1::11"] };
const db = { node: "node-2", ports, ips: ["10.92.2.11", "fd00:92:2::11"] };
const mallory = { node: "node-1", ips: ["10.92.1.13", "fd00:92:1::13"] };

const nodes: readonly KubeObject[] = [1, 2].map((number) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `node-${number}` },
  spec: { podCIDRs: [`10.92.${number}.0/24`, `fd00:92:${number}::/64`] },
  status: {
    addresses: [`172.31.0.${number}`, `fd00:172:31::${number}`].map((address) => ({ type: "InternalIP", address })),
  },
}));

const policies = world()
  .namespace("shop")
  .tier("app", 100)
  .policy("shop/app.db", {
    tier: "app",
    selector: "app == 'db'",
    ingress: [{ action: "Allow", source: { selector: "app in {'web', 'batch'}" } }],
  }).objects;

const pods = world()
  .pod("shop/web", { app: "web" }, web)
  .pod("shop/db", { app: "db" }, db)
  .pod("shop/mallory", { app: "none" }, mallory).objects;
const successor = world().pod("shop/batch", { app: "batch" }, web).objects[0] as KubeObject;

const tcpHeaders = { first: 60, others: 52 }; // IPv4 with timestamps; a SYN has more options
const udpHeaders = 28;

describe("engine", function () {
  this.timeout(30_000);
  needsKernel("nft");

  const folder = mkdtempSync(`${tmpdir()}/sluice-engine-`);
  const engine = new EngineLab({
    name: "engine",
    cluster: [...nodes, ...pods],
    policies,
    flags: { "data.folder": folder },
  });
  const { lab, objects, metrics, flows, losses, changes } = engine;
  const notices: string[] = [];
  const kept = new FakeStore();

  before(() =>
    engine.up(() => ({
      openStore: () => Promise.resolve(kept),
      onTamper: ({ node, summary }, repeats) => notices.push(`${node} ${summary} ${repeats}`),
    })),
  );

  after(async () => {
    await engine.down();
    rmSync(folder, { recursive: true });
  });

  it("counts a UDP conversation byte for byte, and names both ends, the policy and its proof", async () => {
    const agent = await lab.agent("shop/web");
    const sent = await agent.probe({
      protocol: "udp",
      address: "10.92.2.11",
      port: 5353,
      payloadBytes: 777,
      sourcePort: 20_001,
    });
    assert.equal(sent.answered, true);
    const flow = await engine.found(
      "the record at the destination",
      ({ node, sourcePort, totalReplyPackets }) => node === "node-2" && sourcePort === 20_001 && totalReplyPackets > 0,
    );
    assert.deepEqual(
      [flow.totalBytes, flow.totalPackets, flow.totalReplyBytes, flow.totalReplyPackets],
      [sent.sentBytes + udpHeaders, 1, sent.receivedBytes + udpHeaders, 1],
    );
    assert.deepEqual([flow.source?.name, flow.destination?.name, flow.destination?.labels["app"]], ["web", "db", "db"]);
    assert.deepEqual(flow.enforced, ["0|app|np:shop/app.db|allow|0"]);
    assert.deepEqual(
      [flow.reporter, flow.authoritative, flow.action, flow.mode, flow.verdictSource],
      ["dst", true, "allow", "enforced", "kernel"],
    );
  });

  it("counts a TCP conversation packet for packet: payload plus headers", async () => {
    const agent = await lab.agent("shop/web");
    const sent = await agent.probe({
      protocol: "tcp",
      address: "10.92.2.11",
      port: 8080,
      payloadBytes: 30_000,
      sourcePort: 20_002,
    });
    assert.equal(sent.answered, true);
    // The entry stays in TIME_WAIT for minutes; its records go on until nothing moves any more.
    const flow = await engine.found(
      "all bytes",
      (flow) => flow.node === "node-2" && flow.sourcePort === 20_002 && flow.totalBytes >= expected(flow.totalPackets),
    );
    function expected(packets: number): number {
      return sent.sentBytes + tcpHeaders.first + tcpHeaders.others * (packets - 1);
    }
    assert.equal(flow.totalBytes, expected(flow.totalPackets));
    const windows = flows.filter(({ node, sourcePort }) => node === "node-2" && sourcePort === 20_002);
    assert.equal(
      windows.reduce((sum, { bytes }) => sum + bytes, 0),
      windows.at(-1)?.totalBytes,
    );
  });

  it("tells of a denied connection who, whom and why", async () => {
    const agent = await lab.agent("shop/mallory");
    const result = await agent.probe({
      protocol: "tcp",
      address: "10.92.2.11",
      port: 8080,
      sourcePort: 20_003,
      timeoutMs: 300,
    });
    assert.equal(result.connected, false);
    const flow = await engine.found(
      "the denial",
      ({ sourcePort, state }) => sourcePort === 20_003 && state === "denied",
    );
    assert.deepEqual(
      [flow.source?.name, flow.destination?.name, flow.denied, flow.action],
      ["mallory", "db", "ingress", "deny"],
    );
    assert.deepEqual(flow.enforced, ["0|app|np:shop/app.db|deny|-1"]);
    assert.deepEqual([flow.reporter, flow.authoritative, flow.verdictSource], ["dst", true, "kernel"]);
    const atSource = await engine.found(
      "the source's view",
      ({ node, sourcePort }) => node === "node-1" && sourcePort === 20_003,
    );
    assert.deepEqual([atSource.reporter, atSource.authoritative, atSource.replied], ["src", false, false]);
  });

  it("denies a packet with somebody else's address, and says it is spoofed", async () => {
    const agent = await lab.agent("shop/mallory");
    const result = await agent.probe({
      protocol: "udp",
      address: "10.92.2.11",
      port: 5353,
      sourceAddress: "10.92.1.11",
      sourcePort: 20_004,
      timeoutMs: 300,
    });
    assert.equal(result.answered, false);
    const flow = await engine.found("the spoofed packet", ({ sourcePort }) => sourcePort === 20_004);
    assert.deepEqual([flow.state, flow.denied, flow.reason, flow.node], ["denied", "egress", "spoofed", "node-1"]);
    assert.equal(
      flows.some(({ node, sourcePort }) => node === "node-2" && sourcePort === 20_004),
      false,
    );
  });

  it("gives connections before and after an address changed hands to the pod that had it then", async () => {
    const before = await lab.agent("shop/web");
    await before.probe({ protocol: "tcp", address: "10.92.2.11", port: 8080, sourcePort: 20_005 });
    await engine.found("the first owner's connection", ({ sourcePort }) => sourcePort === 20_005);

    await lab.removePod("shop/web");
    objects.change("delete", pods[0] as KubeObject);
    const born: KubeObject = {
      ...successor,
      metadata: { ...successor.metadata, creationTimestamp: isoTime(systemClock.now()) },
    };
    await lab.addPod(born);
    const after = await lab.agent("shop/batch");
    // The kernel has the pod before anybody tells of it, so its first packets have to wait for their owner's name.
    const early = after.probe({
      protocol: "tcp",
      address: "10.92.2.11",
      port: 8080,
      sourcePort: 20_006,
      timeoutMs: 5_000,
    });
    objects.change("upsert", born);
    assert.equal((await early).answered, true);

    const second = await engine.found(
      "the second owner's connection",
      ({ node, sourcePort }) => node === "node-2" && sourcePort === 20_006,
    );
    assert.equal(second.source?.name, "batch");
    const owners = new Set(flows.filter(({ sourcePort }) => sourcePort === 20_005).map(({ source }) => source?.name));
    assert.deepEqual([...owners], ["web"]);
  });

  it("undoes what somebody does to the rules of a node, and tells, shows, keeps and counts it", async () => {
    const namespace = engine.namespaceOf("node-2");
    runIn(namespace, "nft", "flush", "chain", "inet", "sluice", "ingress_forward");
    const change = await until("the change", () => kept.kept.changes[0]);
    assert.deepEqual(
      [change.cluster, change.node, change.kind, change.actor?.program, change.outcome],
      ["local", "node-2", "tamper", "nft", "repaired"],
    );
    assert.deepEqual(changes, [change]);
    assert.deepEqual(notices, [`node-2 ${change.summary} 0`]);
    const text = await metrics.text();
    assert.match(text, /sluice_enforcer_tamperings_total\{node="node-2"\} 1/);
    assert.match(text, /sluice_enforcer_gap_seconds_total\{node="node-2"\} 0\.\d+/);
    assert.match(runIn(namespace, "nft", "list", "chain", "inet", "sluice", "ingress_forward"), /vmap @/);
  });

  it("lost nothing", () => assert.deepEqual(losses, []));
});

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { Lab } from "../../lab/lab.ts";
import type { Probe } from "../../lab/traffic/messages.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod, service } from "../lab/objects.ts";

const objects = [
  node(1),
  node(2),
  pod("shop/web", { ips: ["10.244.1.2", "fd00:10:244:1::2"] }),
  pod("shop/cart", { ips: ["10.244.1.3", "fd00:10:244:1::3"] }),
  pod("shop/db", { on: 2, ips: ["10.244.2.2", "fd00:10:244:2::2"] }),
  pod("shop/far", { on: 2, ips: ["10.250.0.1", "fd00:10:250::1"] }),
  pod("kube-system/host", { on: 2, spec: { hostNetwork: true }, ports: [{ containerPort: 9100 }] }),
  service("shop/db", {
    clusterIPs: ["10.96.0.2", "fd00:10:96::2"],
    selector: { app: "db" },
    ports: [
      { name: "tcp", port: 80, targetPort: "http" },
      { name: "udp", port: 80, protocol: "UDP", targetPort: "dgram" },
    ],
  }),
  service("shop/web", {
    clusterIPs: ["10.96.0.3", "fd00:10:96::3"],
    selector: { app: "web" },
    ports: [{ port: 80, targetPort: 8080 }],
  }),
  service("shop/nobody", {
    clusterIPs: ["10.96.0.4", "fd00:10:96::4"],
    selector: { app: "nobody" },
    ports: [{ port: 80 }],
  }),
];
const externals = [
  { name: "partner", addresses: ["203.0.113.10", "2001:db8::10"], ports: [{ port: 443, protocol: "TCP" as const }] },
];

describe("the lab on this machine's kernel", function () {
  this.timeout(60_000);
  needsLab();

  const lab = new Lab({ name: "labtest", objects, externals, clock: systemClock, log: silentLog });

  before(async () => {
    await lab.up();
    await lab.startAgents();
    await (await lab.agent("node:node-1")).serve([{ port: 9000, protocol: "TCP" }]);
  });
  after(() => lab.down());

  const reachable: readonly { readonly title: string; readonly from: string; readonly probes: readonly Probe[] }[] = [
    { title: "a pod reaches a pod of its node", from: "shop/web", probes: everyWay("10.244.1.3", "fd00:10:244:1::3") },
    {
      title: "a pod reaches a pod of another node",
      from: "shop/web",
      probes: everyWay("10.244.2.2", "fd00:10:244:2::2"),
    },
    {
      title: "a pod reaches a pod whose address is of no node's range",
      from: "shop/web",
      probes: everyWay("10.250.0.1", "fd00:10:250::1"),
    },
    { title: "a pod reaches a Service", from: "shop/web", probes: everyPort("10.96.0.2", "fd00:10:96::2", 80) },
    { title: "a node reaches a Service", from: "node:node-1", probes: everyPort("10.96.0.2", "fd00:10:96::2", 80) },
    {
      title: "a pod reaches itself through its Service",
      from: "shop/web",
      probes: [tcp("10.96.0.3", 80), tcp("fd00:10:96::3", 80)],
    },
    {
      title: "a pod reaches its own node",
      from: "shop/web",
      probes: [tcp("172.30.0.11", 9000), tcp("fd00:172:30::11", 9000)],
    },
    {
      title: "a pod reaches another node",
      from: "shop/web",
      probes: [tcp("172.30.0.12", 9100), tcp("fd00:172:30::12", 9100)],
    },
    { title: "a node reaches its own pod", from: "node:node-1", probes: everyWay("10.244.1.3", "fd00:10:244:1::3") },
    {
      title: "a node reaches a pod of another node",
      from: "node:node-1",
      probes: everyWay("10.244.2.2", "fd00:10:244:2::2"),
    },
    {
      title: "a pod reaches a host outside",
      from: "shop/web",
      probes: [tcp("203.0.113.10", 443), tcp("2001:db8::10", 443)],
    },
    {
      title: "a host outside reaches a pod",
      from: "external:partner",
      probes: everyWay("10.244.2.2", "fd00:10:244:2::2"),
    },
  ];
  for (const { title, from, probes } of reachable)
    it(title, async () => {
      const agent = await lab.agent(from);
      const results = await Promise.all(probes.map((probe) => agent.probe(probe)));
      for (const [index, { answered, error }] of results.entries())
        assert.equal(answered, true, `${JSON.stringify(probes[index])}: ${error}`);
    });

  it("a Service without pods refuses", async () => {
    const agent = await lab.agent("shop/web");
    for (const address of ["10.96.0.4", "fd00:10:96::4"])
      assert.equal((await agent.probe(tcp(address, 80))).error, "ECONNREFUSED");
  });
});

function tcp(address: string, port: number): Probe {
  return { protocol: "tcp", address, port };
}

function everyPort(four: string, six: string, port: number): Probe[] {
  const protocols = ["tcp", "udp", "http"] as const;
  return [four, six].flatMap((address) => protocols.map((protocol) => ({ protocol, address, port })));
}

function everyWay(four: string, six: string): Probe[] {
  return [...everyPort(four, six, 8080), ...[four, six].map((address) => ({ protocol: "icmp" as const, address }))];
}

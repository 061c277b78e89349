import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { Enricher } from "../../enrichers/enrich.ts";
import { rawDns } from "../support/dns-record.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { nodeObject, podObject, synced, upsert } from "../support/objects.ts";

const world = [
  upsert(nodeObject("node-1", ["192.168.0.1"], ["10.1.0.0/24"])),
  upsert(nodeObject("node-2", ["192.168.0.2"], ["10.2.0.0/24"])),
  upsert(podObject("dev-shop/web-1", { ips: ["10.1.0.5"], node: "node-1", labels: { app: "web" } })),
  upsert(podObject("kube-system/dns-0", { ips: ["10.2.0.53"], node: "node-2" })),
  synced,
];
const [web, dns, internet] = ["10.1.0.5", "10.2.0.53", "93.184.216.34"].map(parseAddress);

describe("enriched records of DNS", () => {
  const cases = [
    { title: "of a pod's node count", from: web, to: dns, node: "node-1", ends: ["web-1", "dns-0"], counts: true },
    {
      title: "of the server's node do not, then",
      from: web,
      to: dns,
      node: "node-2",
      ends: ["web-1", "dns-0"],
      counts: false,
    },
    {
      title: "of what a server asks the internet count at its node",
      from: dns,
      to: internet,
      node: "node-2",
      ends: ["dns-0", null],
      counts: true,
    },
    {
      title: "of a client outside count at the server's node",
      from: internet,
      to: dns,
      node: "node-2",
      ends: [null, "dns-0"],
      counts: true,
    },
    {
      title: "of a client outside do not count where it comes in",
      from: internet,
      to: dns,
      node: "node-1",
      ends: [null, "dns-0"],
      counts: false,
    },
    { title: "of two outside count", from: internet, to: internet, node: "node-1", ends: [null, null], counts: true },
  ] as const;
  for (const { title, from, to, node, ends, counts } of cases)
    it(title, async () => {
      const clock = new FakeClock();
      const enricher = new Enricher({ clock, cluster: "lab" });
      enricher.update(world);
      const start = clock.now() * 1000;
      const raw = rawDns({ node, start, ...(from && { clientAddress: from }), ...(to && { serverAddress: to }) });
      const [record] = await enricher.dnsStage([raw]);
      assert.deepEqual([record?.client?.name, record?.server?.name], ends);
      assert.equal(record?.authoritative, counts);
      assert.equal(record?.name, raw.name);
    });
});

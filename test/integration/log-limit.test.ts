import assert from "node:assert/strict";
import type { Flow } from "../../core/records/flow.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod } from "../lab/objects.ts";
import { runIn } from "../support/namespace.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import { type Stream, StreamLab } from "./stream-lab.ts";

// Nobody may send to shop/db. shop/flood does so 200 times a second, shop/quiet once.
const db = "10.244.1.2";
const cluster = [
  node(1),
  pod("shop/db", { ports: [], ips: [db] }),
  pod("shop/flood", { ports: [], ips: ["10.244.1.3"] }),
  pod("shop/quiet", { ports: [], ips: ["10.244.1.4"] }),
];
const policies = world()
  .namespace("shop")
  .tier("app", 100)
  .policy("shop/app.db", { tier: "app", selector: "app == 'db'", types: ["Ingress"], ingress: [] }).objects;
const served = { server: "shop/db", served: 8080, port: 8080 };
const flood: Stream = { ...served, protocol: "udp", client: "shop/flood", from: 24_000, to: db, pushes: "mine" };

describe("a flood of denied packets, in this machine's kernel", function () {
  this.timeout(60_000);
  needsLab();

  const lab = new StreamLab({ name: "loglimit", cluster, policies });
  const { flows, losses } = lab.engine;
  before(() => lab.up(() => {}));
  after(() => lab.down());

  const logged = () =>
    flows.filter(({ sourcePort }) => sourcePort === flood.from).reduce((sum, { packets }) => sum + packets, 0);
  const denials = () => {
    const text = runIn(lab.engine.namespaceOf("node-1"), "nft", "list", "counters", "table", "inet", "sluice");
    const counts = text.matchAll(/counter r_([0-9a-f]{16}) \{\s+packets ([1-9]\d*) /g);
    return new Map([...counts].map(([, id = "", packets]) => [id, Number(packets)]));
  };

  it("is logged as often as its limit allows, and does not hide another's denial by the same rule", async () => {
    await lab.start(flood);
    await until("the flood", () => [...denials().values()].some((packets) => packets > 100));
    const quiet = await lab.engine.lab.agent("shop/quiet");
    await quiet.probe({ protocol: "udp", address: db, port: 8080, sourcePort: 24_001, timeoutMs: 200 });
    const told = await lab.engine.found("the other's denial", ({ sourcePort }: Flow) => sourcePort === 24_001);
    assert.deepEqual([told.action, told.source?.name, told.packets], ["deny", "quiet", 1]);
    await until("more of the flood", () => [...denials().values()].some((packets) => packets > 400));
  });

  it("is counted whole: what was logged and what is told as beyond the limit are all packets", async () => {
    await lab.stopClient(flood);
    const beyond = () => losses.filter(({ source }) => source === "limit");
    const told = () => beyond().reduce((sum, { count }) => sum + (count ?? 0), logged());
    const [[rule, packets] = ["", 0]] = denials();
    // The other's denial is one of them.
    await until("all of it", () => told() === packets - 1, 15_000);
    assert.ok(logged() < packets / 4, `${logged()} of ${packets} are logged`);
    assert.deepEqual([...new Set(beyond().map(({ detail, node }) => `${node} ${detail}`))], [`node-1 ${rule}`]);
  });
});

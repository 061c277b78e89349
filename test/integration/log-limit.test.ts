import assert from "node:assert/strict";
import { namespacePath } from "../../core/netlink/namespace.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Nft } from "../../enforcer/nft.ts";
import { type NftAccess, openNft } from "../../enforcer/nft-open.ts";
import { type Condition, type Name, nameOf, type Rule } from "../../enforcer/ruleset.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod } from "../lab/objects.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
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

describe("a limit on what is logged, in this machine's kernel", function () {
  this.timeout(20_000);
  needsLab();
  let [namespace, nft]: [string, Nft | undefined] = ["", undefined];
  let access: NftAccess;
  before(async () => {
    namespace = makeNamespace("limit");
    access = await openNft();
    nft = access.in(namespacePath(namespace));
  });
  after(async () => {
    await access?.close();
    deleteNamespace(namespace);
  });

  const [set, chain, beyond, told] = ["seen", "out", "beyond", "told"].map(nameOf) as [Name, Name, Name, Name];
  const load = (size: number) => {
    const limit = { if: "overLimit", set, of: 7, source: "saddr4", perSecond: 10, burst: 20 } as const;
    const ended = (counter: Name): Rule["statements"] => [{ do: "count", counter }, { do: "drop" }];
    const header = { name: set, type: ["mark", "ipv4_addr"], flag: "dynamic", timeoutMs: 10_000, size } as const;
    const toDiscard: Condition = { if: "number", field: "dport", from: 9, to: 9, not: false };
    return nft?.apply([
      ...[{ verb: "add-table" } as const, { verb: "delete-table" } as const, { verb: "add-table" } as const],
      { verb: "add-set", set: header },
      { verb: "add-counter", name: beyond },
      { verb: "add-counter", name: told },
      { verb: "add-chain", chain: { name: chain, base: { hook: "output", priority: 0 } } },
      {
        verb: "add-rules",
        chain,
        rules: [
          { when: [toDiscard, limit], statements: ended(beyond) },
          { when: [toDiscard], statements: ended(told) },
        ],
      },
    ]);
  };
  const counted = (): readonly [beyond: number, told: number] => {
    const text = runIn(namespace, "nft", "reset", "counters", "table", "inet", "sluice");
    const of = (name: Name) => Number(new RegExp(`counter ${name} \\{\\s+packets (\\d+)`).exec(text)?.[1]);
    return [of(beyond), of(told)];
  };
  const send = (from: string) => {
    const program = `const socket = require("node:dgram").createSocket("udp4");
socket.bind(0, "${from}", () => {
  let done = 0;
  for (let n = 0; n < 100; n++) socket.send("x", 9, "127.0.0.9", () => ++done === 100 && socket.close());
});`;
    runIn(namespace, process.execPath, "-e", program);
    return counted();
  };

  it("is one for each source", async () => {
    await load(100);
    for (const from of ["127.0.0.1", "127.0.0.2"]) {
      const [over, within] = send(from);
      assert.ok(within >= 20 && within < 50 && over + within === 100, `${from}: ${within} within, ${over} over`);
    }
  });

  it("does not hold for sources that have no room in the set: they are logged whole", async () => {
    await load(1);
    const [over] = send("127.0.0.1");
    assert.ok(over > 50);
    assert.deepEqual(send("127.0.0.2"), [0, 100]);
  });
});

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

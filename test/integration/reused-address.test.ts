import assert from "node:assert/strict";
import { isoTime, systemClock } from "../../core/clock.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod } from "../lab/objects.ts";
import { runIn } from "../support/namespace.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import { isOf, type Stream, StreamLab } from "./stream-lab.ts";

// shop/web has the address, then others whom nobody lets through, then one who is let through again. shop/db and shop/guard take from
// clients only, and clients alone may send there.
const address = "10.244.1.2";
const noPorts = { ports: [] };
const first = pod("shop/web", { ...noPorts, ips: [address], labels: { app: "web", role: "client" } });
const thief = (name: string, on: number) =>
  pod(`shop/${name}`, { ...noPorts, on, ips: [address], labels: { app: name, role: "none" } });
const friend = pod("shop/friend", { ...noPorts, ips: [address], labels: { app: "friend", role: "client" } });
const near = pod("shop/near", { ips: ["10.244.1.4"], labels: { app: "db" } });
const db = pod("shop/db", { on: 2, ips: ["10.244.2.2"], labels: { app: "db" } });
const policies = world()
  .namespace("shop")
  .tier("app", 100)
  .policy("shop/app.db", {
    tier: "app",
    selector: "app == 'db'",
    types: ["Ingress"],
    ingress: [{ action: "Allow", source: { selector: "role == 'client'" } }],
  })
  .policy("shop/app.none", {
    tier: "app",
    selector: "role == 'none'",
    types: ["Egress"],
    egress: [{ action: "Deny", destination: { nets: ["10.244.1.4/32"] } }, { action: "Allow" }],
  }).objects;

const served = { served: 8090, port: 8090, client: "shop/web" } as const;
const streams: readonly Stream[] = [
  { ...served, from: 24_000, protocol: "tcp", to: "10.244.2.2", pushes: "yours", server: "shop/db" },
  { ...served, from: 24_001, protocol: "udp", to: "10.244.2.2", pushes: "mine", server: "shop/db" },
  { ...served, from: 24_002, protocol: "udp", to: "10.244.1.4", pushes: "mine", server: "shop/near" },
];

// Of everybody on the node, whoever he is.
const ofAnybody = /^(bindings|bound|self|local_pods|revoked|logged|room)/;

describe("a reused address inherits nothing", function () {
  this.timeout(60_000);
  needsLab();

  const lab = new StreamLab({ name: "reused", cluster: [node(1), node(2), first, near, db], policies });
  const { engine } = lab;
  const nodes = ["node-1", "node-2"] as const;

  before(() => lab.up(() => {}));
  after(() => lab.down());

  /** Sets and maps of policy in which the address is, with where it leads. */
  const places = (of: string) =>
    [
      ...runIn(engine.namespaceOf(of), "nft", "list", "table", "inet", "sluice").matchAll(
        /(?:set|map) (\w+) \{([^}]*\{[^}]*\})?/g,
      ),
    ]
      .filter(([, name = ""]) => !ofAnybody.test(name))
      .flatMap(([, name = "", body = ""]) => {
        const entry = new RegExp(`[{ ,]${address.replaceAll(".", "\\.")}(?: : (\\w+ \\w+|\\w+))?[ ,}]`).exec(body);
        return entry === null ? [] : [`${name} ${entry[1] ?? ""}`.trim()];
      });
  /** Also whoever has another egress policy may share what is asked of what comes to him. */
  const ofOthers = (place: string) => !place.startsWith("ingress");
  const connections = (on: readonly string[] = nodes) =>
    on.flatMap((of) =>
      runIn(engine.namespaceOf(of), "conntrack", "-L")
        .split("\n")
        .filter((line) => line.includes(address) && streams.some(({ from }) => isOf(line, from))),
    );
  const reaches = async (from: string, to: string, port = 8080) =>
    (await (await engine.lab.agent(from)).probe({ protocol: "tcp", address: to, port, timeoutMs: 400 })).answered;
  const leave = async (object: ReturnType<typeof pod>) => {
    await engine.lab.removePod(`shop/${object.metadata.name}`);
    lab.change("delete", object);
  };
  const come = async (object: ReturnType<typeof pod>, on: string) => {
    await engine.lab.addPod(object);
    lab.change("upsert", object);
    await until("the pod to be known", () =>
      runIn(engine.namespaceOf(on), "nft", "list", "set", "inet", "sluice", "local_pods4").includes(address),
    );
  };
  let before1: readonly string[];
  let before2: readonly string[];

  it("while its first owner lives, his connections go on", async () => {
    for (const stream of streams) await lab.start(stream);
    for (const stream of streams) await lab.flows(stream);
    [before1, before2] = [places("node-1"), places("node-2")];
    assert.ok(before1.length > 0 && before2.length > 0, `${before1}; ${before2}`);
    assert.ok(connections().length >= streams.length);
    assert.equal(await reaches("shop/web", "10.244.2.2"), true);
  });

  it("once he is gone it is in no set and no map, and his connections are revoked", async () => {
    // Nobody hears of it, as when a node kills a pod: the server goes on pushing.
    runIn(engine.namespaceOf("shop/web"), "ip", "link", "set", "eth0", "down");
    await leave(first);
    for (const stream of streams) await lab.closeClient(stream);
    await until("the sets", () => [...places("node-1"), ...places("node-2")].length === 0);
    await until("the connections to go", () => connections().length === 0, 15_000);
    await until("both nodes to tell", async () => [...(await lab.revoked()).values()].every((count) => count > 0));
  });

  for (const [on, name] of [
    ["node-1", "thief"],
    ["node-2", "burglar"],
  ] as const)
    describe(`by another pod with other labels, on ${on === "node-1" ? "the same" : "another"} node`, () => {
      const object = thief(name, Number(on.slice(-1)));
      const again = streams.filter(({ server }) => on === "node-1" || server === "shop/db");
      before(() => come(object, on));
      after(() => leave(object));

      it("it is in no set of its first owner, and leads to chains of its own", () => {
        const [here, there] = on === "node-1" ? [before1, before2] : [before2, before1];
        assert.deepEqual(
          places(on).filter((place) => here.includes(place) && ofOthers(place)),
          [],
        );
        assert.deepEqual(
          places(on === "node-1" ? "node-2" : "node-1").filter((place) => there.includes(place)),
          [],
        );
      });

      it("new connections are judged by the new labels", async () => {
        assert.equal(await reaches(`shop/${name}`, "10.244.2.2"), false);
        if (on === "node-1") assert.equal(await reaches(`shop/${name}`, "10.244.1.4"), false);
      });

      it("packets with the ports of old connections do not pass by their labels", async () => {
        for (const stream of again) {
          const ofThief = { ...stream, client: `shop/${name}` };
          await lab.start(ofThief);
          const [{ received }] = await lab.sides(ofThief);
          if (stream.protocol === "udp") await lab.triesOn(ofThief);
          assert.deepEqual((await lab.sides(ofThief))[0].received, received, `${stream.from} passes`);
          await lab.closeClient(ofThief);
        }
        // Where he lives he may send to the other node, so that node alone denies.
        assert.deepEqual(connections(["node-2"]), []);
      });
    });

  describe("by one whom his own labels let through", () => {
    it("and who is let through by his own labels is, at once", async () => {
      await come(friend, "node-1");
      assert.equal(await reaches("shop/friend", "10.244.2.2"), true);
      assert.equal(await reaches("shop/friend", "10.244.1.4"), true);
    });

    it("how long pods waited for their rules is told, and how long from their start where that is known", async () => {
      const text = await engine.metrics.text();
      assert.match(text, /sluice_enforcer_pod_wait_seconds_count\{node="node-1"\} [1-9]/);
      assert.doesNotMatch(text, /sluice_enforcer_pod_start_seconds_count\{node="node-1"\} [1-9]/);
      await leave(friend);
      await until("the address to be free", () => places("node-1").length === 0);
      const startTime = isoTime(systemClock.now() - 2_000);
      await come({ ...friend, status: { ...(friend["status"] as object), startTime } }, "node-1");
      await until("the time from its start", async () =>
        /sluice_enforcer_pod_start_seconds_count\{node="node-1"\} 1/.test(await engine.metrics.text()),
      );
      const sum = /sluice_enforcer_pod_start_seconds_sum\{node="node-1"\} ([\d.]+)/.exec(
        await engine.metrics.text(),
      )?.[1];
      assert.ok(Number(sum) >= 2 && Number(sum) < 30, sum);
    });
  });
});

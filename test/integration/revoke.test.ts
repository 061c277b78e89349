import assert from "node:assert/strict";
import { Engine } from "../../bin/engine.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Flow } from "../../core/records/flow.ts";
import { Lab } from "../../lab/lab.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod, service } from "../lab/objects.ts";
import { runIn } from "../support/namespace.ts";
import { ObjectStore } from "../support/object-source.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import type { EndState } from "./stream-program.ts";
import { StreamEnd } from "./streams.ts";

// shop/web and shop/near on node-1, shop/db on node-2, and a host outside, to which node-1 hides its pods behind its own address.
// While web is a `client` it may talk to all of them; else db and near take nothing from it, and it may not send to the outside.
const servedPort = 8080;
const noPorts = { ports: [] };
const web = (role: string) =>
  pod("shop/web", { ...noPorts, ips: ["10.244.1.2", "fd00:10:244:1::2"], labels: { app: "web", role } });
const steady = pod("shop/steady", { ...noPorts, ips: ["10.244.1.3"], labels: { app: "web", role: "client" } });
const near = pod("shop/near", { ...noPorts, ips: ["10.244.1.4"], labels: { app: "db", place: "near" } });
const db = pod("shop/db", {
  ...noPorts,
  on: 2,
  ips: ["10.244.2.2", "fd00:10:244:2::2"],
  labels: { app: "db", place: "far" },
});
const outside = "172.30.0.99";
const hiding = `add table ip hiding
add chain ip hiding out { type nat hook postrouting priority 100 ; }
add rule ip hiding out ip saddr 10.244.1.0/24 ip daddr ${outside} masquerade`;
const dbService = service("shop/db", {
  clusterIPs: ["10.96.0.2"],
  selector: { place: "far" },
  ports: [
    { port: 80, targetPort: servedPort },
    { name: "dgram", port: 80, targetPort: servedPort, protocol: "UDP" },
  ],
});
const policies = world()
  .namespace("shop")
  .tier("app", 100)
  .policy("shop/app.db", {
    tier: "app",
    selector: "app == 'db'",
    types: ["Ingress"],
    ingress: [{ action: "Allow", source: { selector: "role == 'client'" } }],
  })
  .policy("shop/app.web", {
    tier: "app",
    selector: "role == 'none'",
    types: ["Egress"],
    egress: [{ action: "Deny", destination: { nets: [`${outside}/32`] } }, { action: "Allow" }],
  }).objects;

interface Definition {
  readonly title: string;
  readonly protocol: "tcp" | "udp";
  readonly to: string;
  readonly port?: number;
  /** The client, or the server. */
  readonly pushes: "mine" | "yours";
  /** Who serves. */
  readonly server: string;
  /** Who the collector says it is, on which node, by whose policy it ends. */
  readonly destination: string;
  readonly node: string;
  readonly denied: Flow["denied"];
}

const atDb = { server: "shop/db", destination: "10.244.2.2", node: "node-2", denied: "ingress" } as const;
const atNear = { server: "shop/near", destination: "10.244.1.4", node: "node-1", denied: "ingress" } as const;
const atOutside = { server: "external:outside", destination: outside, node: "node-1", denied: "egress" } as const;
const definitions: readonly Definition[] = [
  { title: "TCP that the server pushes", protocol: "tcp", to: "10.244.2.2", pushes: "yours", ...atDb },
  { title: "TCP that the client pushes", protocol: "tcp", to: "10.244.2.2", pushes: "mine", ...atDb },
  {
    title: "TCP over IPv6 that the server pushes",
    protocol: "tcp",
    to: "fd00:10:244:2::2",
    pushes: "yours",
    ...atDb,
    destination: "fd00:10:244:2::2",
  },
  {
    title: "TCP to a Service that the server pushes",
    protocol: "tcp",
    to: "10.96.0.2",
    port: 80,
    pushes: "yours",
    ...atDb,
  },
  {
    title: "TCP to a Service that the client pushes",
    protocol: "tcp",
    to: "10.96.0.2",
    port: 80,
    pushes: "mine",
    ...atDb,
  },
  { title: "TCP within a node that the server pushes", protocol: "tcp", to: "10.244.1.4", pushes: "yours", ...atNear },
  { title: "TCP within a node that the client pushes", protocol: "tcp", to: "10.244.1.4", pushes: "mine", ...atNear },
  { title: "TCP to the outside that the server pushes", protocol: "tcp", to: outside, pushes: "yours", ...atOutside },
  { title: "TCP to the outside that the client pushes", protocol: "tcp", to: outside, pushes: "mine", ...atOutside },
  { title: "UDP that the server pushes", protocol: "udp", to: "10.244.2.2", pushes: "yours", ...atDb },
  { title: "UDP that the client pushes", protocol: "udp", to: "10.244.2.2", pushes: "mine", ...atDb },
  {
    title: "UDP to a Service that the server pushes",
    protocol: "udp",
    to: "10.96.0.2",
    port: 80,
    pushes: "yours",
    ...atDb,
  },
  { title: "UDP within a node that the server pushes", protocol: "udp", to: "10.244.1.4", pushes: "yours", ...atNear },
  { title: "UDP to the outside that the server pushes", protocol: "udp", to: outside, pushes: "yours", ...atOutside },
];
const streams = definitions.map((definition, index) => ({ port: servedPort, ...definition, from: 21_000 + index }));
type Stream = (typeof streams)[number];
// Of shop/steady, beside all of that.
const steadyStreams = [
  { from: 22_000, protocol: "udp", to: "10.244.2.2", pushes: "mine", server: "shop/db" },
  { from: 22_001, protocol: "udp", to: "10.244.1.4", pushes: "mine", server: "shop/near" },
  { from: 22_002, protocol: "udp", to: outside, pushes: "mine", server: "external:outside" },
  { from: 22_003, protocol: "tcp", to: "10.244.2.2", pushes: "yours", server: "shop/db" },
] as const;

describe("revoking, by this machine's kernel", function () {
  this.timeout(60_000);
  needsLab();

  const objects = [node(1), node(2), web("client"), steady, near, db];
  const store = new ObjectStore([...objects, ...policies]);
  const lab = new Lab({
    name: "revoke",
    objects: [...objects, dbService],
    externals: [{ name: "outside", addresses: [outside] }],
    clock: systemClock,
    log: silentLog,
  });
  const metrics = new Metrics();
  const flows: Flow[] = [];
  const stop = new AbortController();
  const ends = new Map<string, StreamEnd>();
  let running: Promise<void> = Promise.resolve();

  const namespaceOf = (of: string): string => {
    const { pods, externals } = lab.plan;
    const found = pods.find(({ id }) => id === of) ?? externals.find(({ name }) => `external:${name}` === of);
    assert.ok(found !== undefined, of);
    return found.namespace;
  };
  const end = (name: string | number) => ends.get(String(name)) as StreamEnd;
  const start = async (name: string | number, namespace: string, ...words: (string | number)[]) => {
    ends.set(String(name), await StreamEnd.start(namespace, ...words));
  };
  const revoked = async () => {
    const text = await metrics.text();
    const counts = text.matchAll(/^sluice_enforcer_revoked_connections_total\{node="([^"]+)"\} (\d+)$/gm);
    return new Map([...counts].map(([, node = "", count]) => [node, Number(count)]));
  };
  /** Of who is pushed at, and of who pushes. */
  const sides = async (stream: Pick<Stream, "from" | "server" | "pushes">): Promise<readonly [EndState, EndState]> => {
    const { from, server, pushes } = stream;
    const [ofServer, ofClient] = [await end(server).state(from), await end(from).state(from)];
    return pushes === "mine" ? [ofServer, ofClient] : [ofClient, ofServer];
  };

  before(async () => {
    await lab.up();
    runIn(lab.plan.nodes[0]?.namespace ?? "", "nft", hiding);
    const engine = new Engine({
      seats: lab.nodes.map(({ name, namespacePath }) => ({ node: name, namespacePath })),
      objects: store,
      config: parseConfig({ flags: { "collector.window-ms": "200" } }),
      clock: systemClock,
      log: silentLog,
      metrics,
      flows: { name: "test", write: (batch) => Promise.resolve(void flows.push(...batch)) },
      losses: { name: "test", write: () => Promise.resolve() },
      leaveRules: false,
    });
    running = engine.run(stop.signal);
    running.catch(() => {});
    await Promise.race([engine.ready(stop.signal), running]);
    for (const server of ["shop/db", "shop/near", "external:outside"])
      await start(server, namespaceOf(server), "serve", servedPort);
  });

  after(async () => {
    stop.abort();
    try {
      await Promise.all([...[...ends.values()].map((end) => end.close()), running]);
    } finally {
      await lab.down();
    }
  });

  it("streams flow while they are allowed", async () => {
    for (const { protocol, from, to, port, pushes } of streams)
      await start(from, namespaceOf("shop/web"), protocol, from, to, port, pushes);
    for (const { protocol, from, to, pushes } of steadyStreams)
      await start(from, namespaceOf("shop/steady"), protocol, from, to, servedPort, pushes);
    for (const stream of [...streams, ...steadyStreams])
      await until(`chunks of ${stream.from}`, async () => (await sides(stream))[0].received > 20, 10_000);
    assert.deepEqual([...(await revoked()).values()], [0, 0]);
  });

  describe("once a label forbids them", () => {
    let atOnce: ReadonlyMap<number, EndState>;
    const at = (node: string) => streams.filter((stream) => stream.node === node);

    before(async () => {
      store.change("upsert", web("none"));
      const nodes = ["node-1", "node-2"];
      await until("all to be revoked", async () => {
        const counts = await revoked();
        return nodes.every((name) => counts.get(name) === at(name).length);
      });
      const states = streams.map(async (stream) => [stream.from, (await sides(stream))[0]] as const);
      atOnce = new Map(await Promise.all(states));
    });

    for (const stream of streams)
      it(`${stream.title} is dead`, async () => {
        // Whoever pushes TCP is told; UDP goes on in vain.
        const [, pusher] = await sides(stream);
        if (stream.protocol === "tcp")
          await until("a reset", async () => (await sides(stream))[1].ended === "ECONNRESET");
        else await until("more chunks", async () => (await sides(stream))[1].sent > pusher.sent + 40);
        const [receiver] = await sides(stream);
        assert.equal(receiver.received, atOnce.get(stream.from)?.received);
      });

    it("the kernel knows none of them any more, and none the wrong way round", () => {
      for (const { name, namespace } of lab.plan.nodes)
        for (const family of ["ipv4", "ipv6"]) {
          const listed = runIn(namespace, "conntrack", "-L", "-f", family);
          const alive = listed.split("\n").filter((line) => at(name).some(({ from }) => isOf(line, from)));
          assert.deepEqual(alive, []);
        }
    });

    for (const { title, from, destination, node, denied } of streams)
      it(`${title} is told as revoked, and as ended with what it carried`, async () => {
        const ours = () => flows.filter((flow) => flow.sourcePort === from && flow.node === node);
        const closed = await until("the end", () => ours().find(({ state }) => state === "closed"));
        assert.ok(closed.totalPackets + closed.totalReplyPackets > 20);
        assert.deepEqual([closed.action, closed.destinationAddress], ["allow", destination]);
        // Before its packets were refused as revoked, some of UDP that nobody answered may have been denied as new by a rule.
        const told = await until("the denial", () =>
          ours().find((flow) => flow.reason === "revoked" && flow.destinationAddress === destination),
        );
        assert.equal(told.source?.name, "web");
        assert.deepEqual(
          [told.state, told.denied, told.action, told.verdictSource, told.destinationPort],
          ["denied", denied, "deny", "kernel", servedPort],
        );
      });

    it("no flow is told the wrong way round", () => {
      const reversed = flows.filter(({ destinationPort }) => streams.some(({ from }) => from === destinationPort));
      assert.deepEqual(reversed, []);
    });

    it("streams that stay allowed go on, and none of their packets is lost", async () => {
      for (const stream of steadyStreams) {
        const [now] = await sides(stream);
        await until("more chunks", async () => (await sides(stream))[0].received > now.received + 20);
      }
      for (const { from, server, protocol } of steadyStreams) {
        if (protocol !== "udp") continue;
        const { sent } = await end(from).stop(from);
        await until(`all ${sent} datagrams`, async () => (await end(server).state(from)).received === sent);
      }
      const { ended } = await end(22_003).state(22_003);
      assert.equal(ended, null);
    });

    it("a change that allows them again lets the same ports connect, at once", async () => {
      store.change("upsert", web("client"));
      const refused = () =>
        lab.plan.nodes.flatMap(({ namespace }) =>
          ["revoked4", "revoked6"].map((set) => runIn(namespace, "nft", "list", "set", "inet", "sluice", set)),
        );
      await until("the sets to be empty", () => refused().every((text) => !text.includes("elements")));
      // One whose client was reset, so that its port is free.
      const stream = streams.find(({ protocol, pushes }) => protocol === "tcp" && pushes === "mine");
      assert.ok(stream !== undefined);
      const { protocol, from, to, port, pushes } = stream;
      await end(from).close();
      await start(from, namespaceOf("shop/web"), protocol, from, to, port, pushes);
      await until("chunks", async () => (await sides(stream))[0].received > 20);
    });

    it("none of this is taken for somebody's tampering", async () => {
      const text = await metrics.text();
      const counts = [...text.matchAll(/^sluice_enforcer_drifts_total\{.*\} (\d+)$/gm)].map(([, count]) => count);
      assert.deepEqual(counts, ["0", "0"]);
    });
  });
});

/** A line of conntrack(8) that names the port of a client, or has it as a destination. */
function isOf(line: string, port: number): boolean {
  return line.includes(`sport=${port} `) || line.includes(`dport=${port} `);
}

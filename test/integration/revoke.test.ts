import assert from "node:assert/strict";
import type { Flow } from "../../core/records/flow.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod, service } from "../lab/objects.ts";
import { runIn } from "../support/namespace.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import { isOf, type Stream, StreamLab } from "./stream-lab.ts";
import type { EndState } from "./stream-program.ts";

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

interface Definition extends Omit<Stream, "client" | "from" | "port" | "served"> {
  readonly title: string;
  readonly port?: number;
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
const served = { served: servedPort, port: servedPort } as const;
const streams = definitions.map((one, index) => ({ client: "shop/web", ...served, ...one, from: 21_000 + index }));
// Beside all of that.
const steadyStreams: readonly Stream[] = [
  { ...served, from: 22_000, protocol: "udp", to: "10.244.2.2", pushes: "mine", server: "shop/db" },
  { ...served, from: 22_001, protocol: "udp", to: "10.244.1.4", pushes: "mine", server: "shop/near" },
  { ...served, from: 22_002, protocol: "udp", to: outside, pushes: "mine", server: "external:outside" },
  { ...served, from: 22_003, protocol: "tcp", to: "10.244.2.2", pushes: "yours", server: "shop/db" },
].map((one) => ({ client: "shop/steady", ...(one as Omit<Stream, "client">) }));

describe("revoking, by this machine's kernel", function () {
  this.timeout(60_000);
  needsLab();

  const lab = new StreamLab({
    name: "revoke",
    cluster: [node(1), node(2), web("client"), steady, near, db],
    services: [dbService],
    externals: [{ name: "outside", addresses: [outside] }],
    policies,
  });
  const { flows } = lab.engine;

  before(() => lab.up(() => runIn(lab.engine.namespaceOf("node-1"), "nft", hiding)));
  after(() => lab.down());

  it("streams flow while they are allowed", async () => {
    const all = [...streams, ...steadyStreams];
    for (const stream of all) await lab.start(stream);
    for (const stream of all) await lab.flows(stream);
    assert.deepEqual([...(await lab.revoked()).values()], [0, 0]);
  });

  describe("once a label forbids them", () => {
    let atOnce: ReadonlyMap<number, EndState>;
    const at = (node: string) => streams.filter((stream) => stream.node === node);

    before(async () => {
      lab.change("upsert", web("none"));
      const nodes = ["node-1", "node-2"];
      await until("all to be revoked", async () => {
        const counts = await lab.revoked();
        return nodes.every((name) => counts.get(name) === at(name).length);
      });
      const states = streams.map(async (stream) => [stream.from, (await lab.sides(stream))[0]] as const);
      atOnce = new Map(await Promise.all(states));
    });

    for (const stream of streams)
      it(`${stream.title} is dead`, async () => {
        // Whoever pushes TCP is told; UDP goes on in vain.
        await lab.triesOn(stream);
        const [receiver] = await lab.sides(stream);
        assert.equal(receiver.received, atOnce.get(stream.from)?.received);
      });

    it("the kernel knows none of them any more, and none the wrong way round", () => {
      for (const { name, namespace } of lab.engine.lab.plan.nodes)
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
        // Once its entry is gone, nobody translates back what the server still sends to the masqueraded address.
        assert.ok(["web", node].includes(told.source?.name ?? ""), told.source?.name ?? "nobody");
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
      for (const stream of steadyStreams) await lab.flows(stream);
      for (const stream of steadyStreams.filter(({ protocol }) => protocol === "udp")) {
        const sent = await lab.stopClient(stream);
        await until(`all ${sent} datagrams`, async () => (await lab.sides(stream))[0].received === sent);
      }
      for (const stream of steadyStreams.filter(({ protocol }) => protocol === "tcp"))
        assert.equal((await lab.sides(stream))[0].ended, null);
    });

    it("a change that allows them again lets the same ports connect, at once", async () => {
      lab.change("upsert", web("client"));
      const refused = () =>
        lab.engine.lab.plan.nodes.flatMap(({ namespace }) =>
          ["revoked4", "revoked6"].map((set) => runIn(namespace, "nft", "list", "set", "inet", "sluice", set)),
        );
      await until("the sets to be empty", () => refused().every((text) => !text.includes("elements")));
      // One whose client was reset, so that its port is free.
      const stream = streams.find(({ protocol, pushes }) => protocol === "tcp" && pushes === "mine");
      assert.ok(stream !== undefined);
      await lab.closeClient(stream);
      await lab.start(stream);
      await lab.flows(stream);
    });

    it("none of this is taken for somebody's tampering", async () => {
      assert.deepEqual([...(await lab.drifts()).values()], [0, 0]);
    });
  });
});

import assert from "node:assert/strict";
import type { Flow } from "../../core/records/flow.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node, pod, service } from "../lab/objects.ts";
import { runIn } from "../support/namespace.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";
import { isOf, type Stream, StreamLab } from "./stream-lab.ts";
import type { EndState } from "./stream-program.ts";

// shop/web is on node-1, whose eth0 is the host endpoint `edge`. While edge is `closed` nothing passes between `outside` and the node,
// nor between `outside` and pods, nor from `friend` to web's Service; `friend` is let alone otherwise.
const [outside, friend] = ["172.30.0.98", "172.30.0.99"];
const itself = "172.30.0.11";
const webAddress = "10.244.1.2";
const webService = "10.96.0.2";
const web = pod("shop/web", { ports: [], ips: [webAddress] });
const services = [
  service("shop/web", {
    clusterIPs: [webService],
    selector: { app: "web" },
    ports: [
      { port: 80, targetPort: 8080 },
      { name: "other", port: 81, targetPort: 8080 },
    ],
  }),
];
const edge = (role: string) => {
  const spec = { node: "node-1", interfaceName: "eth0", profiles: ["projectcalico-default-allow"] };
  return world().host("edge", spec, { role }).objects;
};
const closed = { selector: "role == 'closed'", order: 1 };
const nets = [`${outside}/32`];
const both = {
  types: ["Ingress", "Egress"],
  ingress: [{ action: "Deny", source: { nets } }, { action: "Allow" }],
  egress: [{ action: "Deny", destination: { nets } }, { action: "Allow" }],
};
const toService = { protocol: "TCP", source: { nets: [`${friend}/32`] }, destination: { ports: [80] } };
const policies = world()
  .namespace("shop")
  .global("own", { ...closed, ...both })
  .global("fwd", { ...closed, ...both, applyOnForward: true })
  .global("pre", {
    ...closed,
    preDNAT: true,
    applyOnForward: true,
    ingress: [{ action: "Deny", ...toService }],
  }).objects;

interface Definition extends Omit<Stream, "from"> {
  readonly title: string;
  /** By whose policy it ends; null: it goes on. */
  readonly denied: Flow["denied"];
  /** What records of it name as its destination. */
  readonly destination?: string;
}

const atHost = { client: "external:outside", server: "node-1", to: itself, denied: "ingress" } as const;
const ofHost = { client: "node-1", server: "external:outside", to: outside, denied: "egress" } as const;
const toPod = { client: "external:outside", server: "shop/web", to: webAddress, denied: "ingress" } as const;
const ofPod = { client: "shop/web", server: "external:outside", to: outside, denied: "egress" } as const;
const throughService = { client: "external:friend", server: "shop/web", to: webService, destination: webAddress };
const byTcp = { protocol: "tcp", port: 8080, served: 8080 } as const;
const byUdp = { protocol: "udp", port: 8080, served: 8080 } as const;
const ofFriend = { client: "external:friend", server: "node-1", to: itself, denied: null } as const;
const definitions: readonly Definition[] = [
  { title: "TCP to the node that its process pushes", ...byTcp, ...atHost, pushes: "yours" },
  { title: "TCP to the node that the outside pushes", ...byTcp, ...atHost, pushes: "mine" },
  { title: "UDP to the node that its process pushes", ...byUdp, ...atHost, pushes: "yours" },
  { title: "TCP of the node that the outside pushes", ...byTcp, ...ofHost, pushes: "yours" },
  { title: "TCP of the node that it pushes", ...byTcp, ...ofHost, pushes: "mine" },
  { title: "UDP of the node that it pushes", ...byUdp, ...ofHost, pushes: "mine" },
  { title: "TCP to a pod that the pod pushes", ...byTcp, ...toPod, pushes: "yours" },
  { title: "UDP to a pod that the outside pushes", ...byUdp, ...toPod, pushes: "mine" },
  { title: "TCP of a pod that the outside pushes", ...byTcp, ...ofPod, pushes: "yours" },
  { title: "UDP of a pod that it pushes", ...byUdp, ...ofPod, pushes: "mine" },
  { title: "TCP to a Service", ...byTcp, ...throughService, port: 80, denied: "ingress", pushes: "yours" },
  { title: "TCP to another port of the Service", ...byTcp, ...throughService, port: 81, denied: null, pushes: "yours" },
  { title: "TCP to a failsafe port", ...byTcp, ...atHost, port: 6443, served: 6443, denied: null, pushes: "yours" },
  { title: "TCP of a friend to the node", ...byTcp, ...ofFriend, pushes: "yours" },
  { title: "UDP of a friend to the node", ...byUdp, ...ofFriend, pushes: "mine" },
  {
    title: "UDP of the node to its own pod",
    ...{ ...byUdp, client: "node-1", server: "shop/web", to: webAddress, denied: null, pushes: "mine" },
  },
];
const streams = definitions.map((definition, index) => ({ ...definition, from: 23_000 + index }));
const [dying, steady] = [
  streams.filter(({ denied }) => denied !== null),
  streams.filter(({ denied }) => denied === null),
];

describe("revoking what host endpoints forbid, by this machine's kernel", function () {
  this.timeout(60_000);
  needsLab();

  const lab = new StreamLab({
    name: "revokehosts",
    cluster: [node(1), web],
    services,
    externals: [
      { name: "outside", addresses: [outside] },
      { name: "friend", addresses: [friend] },
    ],
    policies: [...policies, ...edge("open")],
  });
  const { flows } = lab.engine;

  before(() =>
    lab.up(() => {
      const route = ["route", "add", "10.96.0.0/24", "via", itself, "dev", "eth0"];
      runIn(lab.engine.namespaceOf("external:friend"), "ip", ...route);
    }),
  );
  after(() => lab.down());

  it("streams flow while they are allowed", async () => {
    for (const stream of streams) await lab.start(stream);
    for (const stream of streams) await lab.flows(stream);
    assert.deepEqual([...(await lab.revoked()).values()], [0]);
  });

  describe("once a label of the host endpoint forbids them", () => {
    let atOnce: ReadonlyMap<number, EndState>;

    before(async () => {
      lab.change("upsert", ...edge("closed"));
      await until("all to be revoked", async () => (await lab.revoked()).get("node-1") === dying.length);
      const states = dying.map(async (stream) => [stream.from, (await lab.sides(stream))[0]] as const);
      atOnce = new Map(await Promise.all(states));
    });

    for (const stream of dying)
      it(`${stream.title} is dead`, async () => {
        await lab.triesOn(stream);
        const [receiver] = await lab.sides(stream);
        assert.equal(receiver.received, atOnce.get(stream.from)?.received);
      });

    for (const { title, from, to, served, denied, destination = to } of dying)
      it(`${title} is told as revoked`, async () => {
        const isTold = ({ sourcePort, reason }: Flow) => sourcePort === from && reason === "revoked";
        const told = await lab.engine.found("the denial", isTold);
        assert.deepEqual(
          [told.state, told.denied, told.action, told.destinationAddress, told.destinationPort],
          ["denied", denied, "deny", destination, served],
        );
      });

    it("the kernel knows none of them any more, and none the wrong way round", () => {
      const listed = runIn(lab.engine.namespaceOf("node-1"), "conntrack", "-L", "-f", "ipv4").split("\n");
      assert.deepEqual(
        listed.filter((line) => dying.some(({ from }) => isOf(line, from))),
        [],
      );
      const reversed = flows.filter(({ destinationPort }) => dying.some(({ from }) => from === destinationPort));
      assert.deepEqual(reversed, []);
    });

    it("streams that stay allowed go on, and none of their packets is lost", async () => {
      for (const stream of steady) await lab.flows(stream);
      for (const stream of steady.filter(({ protocol }) => protocol === "udp")) {
        const sent = await lab.stopClient(stream);
        await until(`all ${sent} datagrams`, async () => (await lab.sides(stream))[0].received === sent);
      }
      for (const stream of steady.filter(({ protocol }) => protocol === "tcp"))
        assert.equal((await lab.sides(stream))[0].ended, null);
      assert.equal((await lab.revoked()).get("node-1"), dying.length);
    });
  });
});

import assert from "node:assert/strict";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Flow, FlowEndpoint } from "../../core/records/flow.ts";
import type { Probe } from "../../lab/traffic/messages.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { world } from "../support/world.ts";
import { EngineLab } from "./engine-lab.ts";

// shop/web is on node-1, which has no host endpoint; shop/db on node-2, whose eth0 has one, `edge`.
const nodes: readonly KubeObject[] = [1, 2].map((number) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `node-${number}` },
  spec: { podCIDRs: [`10.93.${number}.0/24`] },
  status: { addresses: [{ type: "InternalIP", address: `172.32.0.${number}` }] },
}));
const ports = [{ containerPort: 8080 }, { containerPort: 8081 }];
const pods = world()
  .pod("shop/web", { app: "web" }, { node: "node-1", ports, ips: ["10.93.1.11"] })
  .pod("shop/db", { app: "db" }, { node: "node-2", ports, ips: ["10.93.2.11"] }).objects;
const tcp = (...numbers: readonly number[]) => ({ protocol: "TCP", destination: { ports: numbers } });
const on = { tier: "edge", selector: "role == 'edge'" };
const policies = world()
  .namespace("shop")
  .tier("edge", 100)
  .host("edge", { node: "node-2", interfaceName: "eth0", expectedIPs: ["172.32.0.2"] }, { role: "edge" })
  .global("raw", { ...on, doNotTrack: true, applyOnForward: true, ingress: [{ action: "Deny", ...tcp(9104) }] })
  .global("pre", {
    ...on,
    ...{ preDNAT: true, applyOnForward: true },
    ingress: [
      { action: "Deny", ...tcp(9103) },
      { action: "Allow", ...tcp(9102) },
    ],
  })
  .global("fwd", {
    ...on,
    applyOnForward: true,
    ingress: [
      { action: "Deny", ...tcp(8081) },
      { action: "Allow", ...tcp(8080) },
    ],
  })
  .global("own", {
    ...on,
    order: 1,
    types: ["Ingress", "Egress"],
    ingress: [
      { action: "Allow", ...tcp(9100) },
      { action: "Pass", ...tcp(9101) },
    ],
    egress: [{ action: "Allow", ...tcp(8080) }],
  }).objects;

interface Row {
  readonly title: string;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** `ACTION of SOURCE -> DESTINATION by VERDICT SOURCE at NODE` */
  readonly told: string;
  readonly enforced: readonly string[];
}

const rows: readonly Row[] = [
  {
    title: "allowed by a normal policy",
    ...{ from: "shop/web", to: "172.32.0.2", port: 9100 },
    told: "allow of pod web -> host edge by kernel at node-2",
    enforced: ["0|edge|gnp:own|allow|0"],
  },
  {
    title: "denied at the end of the tier",
    ...{ from: "shop/web", to: "172.32.0.2", port: 9105 },
    told: "deny of pod web -> host edge by kernel at node-2",
    enforced: ["0|edge|gnp:own|deny|-1"],
  },
  {
    title: "denied because no profile allows it",
    ...{ from: "shop/web", to: "172.32.0.2", port: 9101 },
    told: "deny of pod web -> host edge by kernel at node-2",
    enforced: ["0|edge|gnp:own|pass|1", "1|__PROFILE__|pro:none|deny|0"],
  },
  {
    title: "allowed as a failsafe port",
    ...{ from: "shop/web", to: "172.32.0.2", port: 6443 },
    told: "allow of pod web -> host edge by kernel at node-2",
    enforced: ["0|__FAILSAFE__|failsafe:failsafe|allow|5"],
  },
  {
    title: "denied by doNotTrack",
    ...{ from: "shop/web", to: "172.32.0.2", port: 9104 },
    told: "deny of pod web -> host edge by kernel at node-2",
    enforced: ["0|edge|gnp:raw|deny|0"],
  },
  {
    title: "denied by preDNAT",
    ...{ from: "shop/web", to: "172.32.0.2", port: 9103 },
    told: "deny of pod web -> host edge by kernel at node-2",
    enforced: ["0|edge|gnp:pre|deny|0"],
  },
  {
    title: "allowed by preDNAT, which leaves no trace in the kernel",
    ...{ from: "shop/web", to: "172.32.0.2", port: 9102 },
    told: "allow of pod web -> host edge by evaluated at node-2",
    enforced: ["0|edge|gnp:pre|allow|1"],
  },
  {
    title: "denied on its way to a pod",
    ...{ from: "shop/web", to: "10.93.2.11", port: 8081 },
    told: "deny of pod web -> pod db by kernel at node-2",
    enforced: ["0|edge|gnp:fwd|deny|0"],
  },
  {
    title: "allowed on its way to a pod, which decides for itself",
    ...{ from: "shop/web", to: "10.93.2.11", port: 8080 },
    told: "allow of pod web -> pod db by kernel at node-2",
    enforced: ["0|__PROFILE__|pro:kns.shop|allow|0"],
  },
  {
    title: "what a process of the node sends, denied",
    ...{ from: "node:node-2", to: "10.93.1.11", port: 8081 },
    told: "deny of host edge -> pod web by kernel at node-2",
    enforced: ["0|edge|gnp:own|deny|-1"],
  },
];

describe("flows of host endpoints", function () {
  this.timeout(30_000);
  needsKernel("nft");

  const engine = new EngineLab({ name: "hostflows", cluster: [...nodes, ...pods], policies });

  before(async () => {
    await engine.up();
    const served = [9100, 9101, 9102, 6443].map((port) => ({ port, protocol: "TCP" as const }));
    await (await engine.lab.agent("node:node-2")).serve(served);
  });

  after(() => engine.down());

  for (const [index, { title, from, to, port, told, enforced }] of rows.entries())
    it(title, async () => {
      const sourcePort = 21_000 + index;
      const probe: Probe = { protocol: "tcp", address: to, port, sourcePort, timeoutMs: 400 };
      await (await engine.lab.agent(from)).probe(probe);
      const isOurs = (flow: Flow) => flow.sourcePort === sourcePort && flow.authoritative;
      const flow = await engine.found("the record", isOurs);
      const { action, source, destination, verdictSource, node } = flow;
      const who = (end: FlowEndpoint | null) => `${end?.kind} ${end?.name}`;
      assert.equal(`${action} of ${who(source)} -> ${who(destination)} by ${verdictSource} at ${node}`, told);
      assert.deepEqual(flow.enforced, enforced);
      assert.equal(
        engine.flows.filter(isOurs).every((other) => other.action === action),
        true,
        "told otherwise as well",
      );
    });
});

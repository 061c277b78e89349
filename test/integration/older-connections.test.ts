import assert from "node:assert/strict";
import { Engine } from "../../bin/engine.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import type { Flow } from "../../core/records/flow.ts";
import { Lab } from "../../lab/lab.ts";
import { needsLab } from "../lab/needs-lab.ts";
import { node } from "../lab/objects.ts";
import { runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { ObjectStore } from "../support/object-source.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

// Connections that are older than the process that tells of them: what the kernel's label says is the kernel's word, also years later; of
// others there is only the evaluator's.

const ports = [{ containerPort: 8080 }];
const api = { tier: "app", selector: "app == 'db'" };
const allow = [{ action: "Allow", protocol: "TCP", destination: { ports: [8080] } }];
const objects: readonly KubeObject[] = [
  node(1),
  node(2),
  ...world()
    .namespace("shop")
    .pod("shop/web", { app: "web" }, { node: "node-1", ports, ips: ["10.244.1.2"] })
    .pod("shop/db", { app: "db" }, { node: "node-2", ports, ips: ["10.244.2.2"] })
    .tier("app", 100)
    .policy("shop/app.db", { ...api, order: 10, ingress: allow })
    .staged("app.closed", { ...api, order: 1, ingress: [{ action: "Deny" }] }).objects,
];
const [older, between] = [23_001, 23_002];

interface Telling {
  readonly flows: Flow[];
  stop(): Promise<void>;
}

describe("connections older than the process", function () {
  this.timeout(60_000);
  needsLab();
  needsKernel("nft");

  const lab = new Lab({ name: "older", objects, clock: systemClock, log: silentLog });
  let telling: Telling | undefined;

  before(async () => {
    await lab.up();
    await lab.startAgents();
    // Else older connections are not counted; see collector-faults.test.ts.
    for (const { namespace } of lab.plan.nodes) runIn(namespace, "sysctl", "-qw", "net.netfilter.nf_conntrack_acct=1");
  });
  after(async () => {
    await telling?.stop();
    await lab.down();
  });

  /** Starts enforcing and telling; resolves when the rules are in force. */
  async function begin(): Promise<Telling> {
    const stop = new AbortController();
    const flows: Flow[] = [];
    const engine = new Engine({
      seats: lab.nodes.map(({ name, namespacePath }) => ({ node: name, namespacePath })),
      objects: new ObjectStore(objects),
      config: parseConfig({ flags: { "collector.window-ms": "200" } }),
      clock: systemClock,
      log: silentLog,
      flows: { name: "test", write: (batch) => Promise.resolve(void flows.push(...batch)) },
      losses: { name: "test", write: () => Promise.resolve() },
      leaveRules: true,
    });
    const running = engine.run(stop.signal);
    running.catch(() => {});
    await Promise.race([engine.ready(stop.signal), running]);
    return {
      flows,
      stop: async () => {
        stop.abort();
        await running;
      },
    };
  }

  async function keepTalking(sourcePort: number): Promise<void> {
    const probe = { protocol: "tcp", address: "10.244.2.2", port: 8080, sourcePort } as const;
    await (await lab.agent("shop/web")).start([{ name: `from ${sourcePort}`, probe, everyMs: 50, keepOpen: true }]);
  }

  /** What the node of the destination tells of a connection that carries something. */
  const told = (sourcePort: number) =>
    until(`a record of ${sourcePort}`, () =>
      telling?.flows.find((flow) => flow.authoritative && flow.sourcePort === sourcePort && flow.packets > 0),
    );
  const verdictOf = ({ action, verdictSource, enforced, pending }: Flow) => ({
    action,
    verdictSource,
    enforced,
    pending,
  });
  const path = {
    action: "allow",
    enforced: ["0|app|np:shop/app.db|allow|0"],
    pending: ["0|app|sgnp:app.closed|deny|0"],
  } as const;

  it("made before there were rules: evaluated, not claimed as the kernel's word, its past not told as news", async () => {
    await keepTalking(older);
    const agent = await lab.agent("shop/web");
    await until("some traffic", async () => ((await agent.totals())[0]?.answered ?? 0) > 10);
    telling = await begin();
    const flow = await told(older);
    assert.deepEqual(verdictOf(flow), { ...path, verdictSource: "evaluated" });
    const first = telling.flows.find(({ sourcePort, node }) => sourcePort === older && node === "node-2");
    assert.ok(
      first !== undefined && first.totalPackets - first.packets > 10,
      `${first?.packets} of ${first?.totalPackets}`,
    );
  });

  it("made while it runs: the kernel's word", async () => {
    await keepTalking(between);
    assert.deepEqual(verdictOf(await told(between)), { ...path, verdictSource: "kernel" });
  });

  it("after a restart each is what it was", async () => {
    await telling?.stop();
    telling = await begin();
    assert.deepEqual(verdictOf(await told(between)), { ...path, verdictSource: "kernel" });
    assert.deepEqual(verdictOf(await told(older)), { ...path, verdictSource: "evaluated" });
  });
});

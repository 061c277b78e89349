import assert from "node:assert/strict";
import { agreementOf } from "../../bin/disagreements.ts";
import { type Log, silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { RuleBook } from "../../enrichers/rule-book.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { World } from "../../policy/world.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { pod, rawFlow } from "../support/flows.ts";
import { world } from "../support/world.ts";

describe("bin/disagreements", () => {
  it("counts each, and tells of the same once a minute, with all that it takes to ask again", async () => {
    const [clock, metrics] = [new FakeClock(), new Metrics()];
    const alerts: string[] = [];
    const logged: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => void logged.push(fields) };
    const agreement = agreementOf({ sample: 1, metrics, clock, log, onAlert: (text) => void alerts.push(text) });
    const state = new World();
    const { objects } = world()
      .node("node-1")
      .namespace("shop")
      .tier("app", 100)
      .pod("shop/db", { app: "db" }, { node: "node-1", ips: ["10.1.0.6"] })
      .policy("shop/app.db", { tier: "app", selector: "app == 'db'", ingress: [] });
    state.apply(objects.map((object) => ({ type: "upsert", object })));
    const [program, placement] = [state.program(), state.placement()];
    agreement.use({ program, placement, evaluate: evaluatorOf(program, placement), mode: () => "enforced" }, 0);
    const ends = { source: pod("shop/web", { app: "web" }, "node-2"), destination: pod("shop/db", {}, "node-1") };
    const at = 60_000_000;
    const flow = rawFlow({
      node: "node-1",
      sourceAddress: "10.1.0.5" as never,
      destinationAddress: "10.1.0.6" as never,
      nat: null,
      start: at,
      startedAt: at,
      end: at,
      egressRule: null,
      ingressRule: null,
    });
    const check = () => agreement.check(flow, ends, new RuleBook());
    for (let n = 0; n < 50; n++) check();
    assert.deepEqual([alerts.length, logged.length], [1, 1]);
    await clock.advance(61_000);
    check();
    assert.equal(alerts.length, 2);
    assert.match(
      alerts[0] ?? "",
      /^the kernel of node-1 let through what the policies deny: 10\.1\.0\.5 → 10\.1\.0\.6:/,
    );
    assert.match(await metrics.text(), /sluice_agreement_disagreements_total\{kind="allowed"\} 51/);
    const { revision, source, packet } = logged[0] as { revision: string; source: object; packet: object };
    assert.equal(revision, program.revision);
    assert.deepEqual(source, { namespace: "shop", name: "web", labels: { app: "web" } });
    assert.ok("destinationPort" in packet);
  });
});

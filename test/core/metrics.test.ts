import assert from "node:assert/strict";
import { type MetricDeclaration, Metrics, metricTable } from "../../core/metrics.ts";

const linesOf = async (metrics: Metrics, name: string) =>
  (await metrics.text()).split("\n").filter((line) => line.startsWith(name));

describe("core/metrics", () => {
  for (const [name, { type, help }] of Object.entries(metricTable) as [string, MetricDeclaration][])
    it(`${name} is named by the rule and says what it means`, () => {
      assert.match(name, /^sluice(_[a-z]+){2,}$/);
      assert.equal(name.endsWith("_total"), type === "counter");
      assert.match(help, /^[A-Z0-9].*\.$/);
    });

  it("counts", async () => {
    const metrics = new Metrics();
    metrics.add("sluice_store_records_total", { kind: "flow" }, 3);
    metrics.add("sluice_store_records_total", { kind: "flow" });
    assert.deepEqual(await linesOf(metrics, "sluice_store_records_total"), [
      'sluice_store_records_total{kind="flow"} 4',
    ]);
  });

  it("reads what somebody else counts each time it is asked, and forgets what is gone", async () => {
    const metrics = new Metrics();
    let nodes = [{ labels: { node: "a" }, value: 7 }];
    metrics.read("sluice_collector_overruns_total", () => nodes);
    metrics.read("sluice_collector_connections", () => nodes);
    await metrics.text();
    nodes = [{ labels: { node: "b" }, value: 9 }];
    assert.deepEqual(await linesOf(metrics, "sluice_collector_overruns_total"), [
      'sluice_collector_overruns_total{node="b"} 9',
    ]);
    assert.deepEqual(await linesOf(metrics, "sluice_collector_connections"), [
      'sluice_collector_connections{node="b"} 9',
    ]);
  });

  it("sorts observations into classes", async () => {
    const metrics = new Metrics();
    for (const age of [0.1, 1.5, 9999]) metrics.observe("sluice_store_freshness_seconds", { kind: "flow" }, age);
    const lines = await linesOf(metrics, "sluice_store_freshness_seconds");
    const at = (bound: string) =>
      lines
        .find((line) => line.includes(`le="${bound}"`))
        ?.split(" ")
        .at(-1);
    assert.deepEqual([at("0.25"), at("2"), at("3600"), at("+Inf")], ["1", "2", "2", "3"]);
  });

  it("of two processes' metrics in one, each counts for itself", async () => {
    const [one, other] = [new Metrics(), new Metrics()];
    one.add("sluice_objects_faults_total", {});
    assert.deepEqual(await linesOf(other, "sluice_objects_faults_total"), ["sluice_objects_faults_total 0"]);
  });
});

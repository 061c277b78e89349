import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAddress } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import { rawFlow } from "../support/flows.ts";
import { needsServices } from "../support/needs-services.ts";
import { until } from "../support/until.ts";
import { BusLab } from "./bus-lab.ts";

const forever = new AbortController().signal;
const common = `
{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
{ apiVersion: v1, kind: Node, metadata: { name: node-1 }, spec: { podCIDR: 10.99.0.0/16 } }
`;
const pod = (name: string, uid: string) => `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, uid: ${uid}, labels: { app: ${name} } }
spec: { nodeName: node-1, containers: [] }
status: { podIP: 10.99.1.2, podIPs: [{ ip: 10.99.1.2 }] }
`;

describe("an enricher that was not there", function () {
  this.timeout(120_000); // processes and a broker, on a machine that may be busy
  const address = needsServices("kafka");
  let lab: BusLab;

  before(async () => {
    lab = new BusLab(address("kafka"));
    await lab.open(common + pod("first", "u1"));
  });
  after(() => lab.close());

  it("names who had the address then, as the watcher told, and not who has it now", async () => {
    const watcher = await lab.start(["watch"], "--objects.folder", lab.objects);
    const told = async (name: string) => (await lab.records("endpoints", 1)).filter((one) => one.name === name);
    await until("the first to be told", async () => (await told("first")).length > 0, 20_000);
    const then = systemClock.now() * 1000;
    await systemClock.sleep(3_000);
    writeFileSync(join(lab.objects, "all.yaml"), common + pod("second", "u2"));
    await until("the second to be told", async () => (await told("second")).length > 0, 20_000);
    assert.equal(await lab.stop(watcher), 0);
    const now = systemClock.now() * 1000;
    const at = (seq: number, time: number) =>
      rawFlow({
        ...{ cluster: "local", node: "node-1", seq, startedAt: time, start: time, end: time + 1_000_000 },
        sourceAddress: parseAddress("10.99.1.2"),
      });
    await lab.topics.sink("flows.raw").write([at(1, then), at(2, now)], forever);
    const enricher = await lab.start(["enrich"], "--objects.folder", lab.objects, "--enforcer.mode", "observe");
    const stop = new AbortController();
    const names: (string | null | undefined)[] = [];
    for await (const { items, ack } of lab.topics.source("flows", "test").open(stop.signal)) {
      names.push(...items.map(({ source }) => source?.name));
      await ack();
      if (names.length === 2) break;
    }
    stop.abort();
    assert.equal(await lab.stop(enricher), 0);
    assert.deepEqual(names, ["first", "second"]);
  });

  it("tells of nobody again whom an earlier watcher told of", async () => {
    const before = (await lab.records("endpoints", 1)).length;
    const watcher = await lab.start(["watch"], "--objects.folder", lab.objects);
    assert.equal(await lab.stop(watcher), 0);
    assert.equal((await lab.records("endpoints", 1)).length, before);
  });
});

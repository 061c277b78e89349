import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { sluice } from "../bin/command.ts";
import { rawFlow } from "../support/flows.ts";
import { needsServices } from "../support/needs-services.ts";
import { until } from "../support/until.ts";
import { BusLab } from "./bus-lab.ts";

const forever = new AbortController().signal;
const objects = `
{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
{ apiVersion: v1, kind: Node, metadata: { name: node-1 }, spec: { podCIDR: 10.99.0.0/16 } }
`;

interface Told {
  readonly id: number;
  readonly topic: string;
  readonly cause: string;
  readonly state: string;
  readonly replays: number;
  readonly reason: string | null;
}

describe("sluice dead", function () {
  this.timeout(180_000); // processes and a broker, on a machine that may be busy
  const address = needsServices("kafka");
  let lab: BusLab;

  before(async () => {
    lab = new BusLab(address("kafka"), { "bus.partitions": "1" });
    await lab.open(objects);
  });
  after(() => lab.close());

  async function dead(...words: readonly string[]) {
    const { brokers, prefix } = lab.config.bus;
    const bus = ["--bus.brokers", brokers.join(","), "--bus.prefix", prefix, "--bus.manage-topics", "false"];
    const run = sluice("dead", ...words, ...bus);
    const code = await run.ended;
    return { code, ...run.printed };
  }
  const list = async (...words: readonly string[]) =>
    JSON.parse((await dead("list", "-o", "json", ...words)).out) as readonly Told[];

  it("tells of what could not be read, and sends it again, mended, to whoever could not read it", async () => {
    const enricher = await lab.start(["enrich"], "--objects.folder", lab.objects, "--enforcer.mode", "observe");
    const { name } = lab.topics.topic("flows.raw");
    const poison = { key: "node-1", value: Buffer.from("no flows at all") };
    await lab.topics.sink("flows.raw").write([rawFlow({ seq: 1 })], forever);
    await (lab.bus as NonNullable<typeof lab.bus>).publisher(name).write([poison], forever);
    // What follows is done long before the one that is mended.
    await lab.topics.sink("flows.raw").write([rawFlow({ seq: 3 })], forever);
    const [letter] = await until("a dead letter", async () => ((await list()).length > 0 ? list() : undefined), 40_000);
    assert.deepEqual([letter?.id, letter?.topic, letter?.state], [0, name, "waiting"]);
    assert.match(letter?.cause ?? "", /schema/);

    const shown = await dead("show", "0", "-o", "json");
    assert.match(shown.out, /"text":"no flows at all"/);
    const file = join(lab.folder, "mended.json");
    writeFileSync(file, JSON.stringify([{ not: "a flow" }]));
    const refused = await dead("replay", "0", "--record", file, "--yes");
    assert.deepEqual([refused.code, /no records of flows.raw/.test(refused.err)], [2, true], refused.err);
    assert.equal((await dead("replay", "0")).code, 2, "nobody is there to confirm");
    writeFileSync(file, JSON.stringify([rawFlow({ seq: 2 })]));
    const replayed = await dead("replay", "0", "--record", file, "--yes");
    assert.equal(replayed.code, 0, replayed.err);
    const seqs: number[] = [];
    const stop = new AbortController();
    for await (const { items, ack } of lab.topics.source("flows", "test").open(stop.signal)) {
      seqs.push(...items.map(({ seq }) => seq));
      await ack();
      if (seqs.length === 3) break;
    }
    stop.abort();
    assert.deepEqual(seqs, [1, 3, 2]);
    await systemClock.sleep(200);
    assert.equal(await lab.stop(enricher), 0);

    assert.deepEqual(await list(), []);
    const [after] = await list("--all");
    assert.deepEqual([after?.state, after?.replays], ["replayed", 1]);
  });

  it("notes what was dropped, and why, and keeps it", async () => {
    assert.equal((await dead("drop", "0", "--yes")).code, 2, "without a reason");
    const dropped = await dead("drop", "0", "--reason", "was a test", "--yes");
    assert.equal(dropped.code, 0, dropped.err);
    const [letter] = await list("--all");
    assert.deepEqual([letter?.state, letter?.replays, letter?.reason], ["dropped", 1, "was a test"]);
    assert.match((await dead("show", "0")).out, /no flows at all/);
    assert.equal((await dead("show", "7")).code, 2);
  });
});

import assert from "node:assert/strict";
import { retryingInOrder } from "../../core/retrying-in-order.ts";
import { systemClock } from "../../core/clock.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Run } from "../bin/command.ts";
import { rawFlow } from "../support/flows.ts";
import { needsServices } from "../support/needs-services.ts";
import { BusLab } from "./bus-lab.ts";

const objects = `
{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
{ apiVersion: v1, kind: Node, metadata: { name: node-1 }, spec: { podCIDR: 10.99.0.0/16 } }
`;

const nodes = ["a", "b", "c", "d", "e"].map((letter) => `node-${letter}`);
const perBatch = 200;
const forever = new AbortController().signal;

/** So many in the short form; `SLUICE_TEST_KILLS` makes it more. */
const kills = Number(process.env["SLUICE_TEST_KILLS"] ?? 5);

describe("enrichers that are killed", function () {
  this.timeout(120_000 + kills * 20_000); // processes and a broker, on a machine that may be busy
  const address = needsServices("kafka");
  let lab: BusLab;
  /** How many each node has told. */
  let told = 0;

  beforeEach(async () => {
    told = 0;
    lab = new BusLab(address("kafka"));
    await lab.open(objects);
  });
  afterEach(() => lab.close());

  const start = () => lab.start(["enrich"], "--objects.folder", lab.objects, "--enforcer.mode", "observe");

  function batch(node: string, from: number): readonly RawFlow[] {
    return Array.from({ length: perBatch }, (_, place) => rawFlow({ node, epoch: 1, seq: from + place }));
  }

  /** Each node tells without end, and now and then something twice, as collectors do that had no answer. */
  async function tell(stop: AbortSignal): Promise<void> {
    const sink = retryingInOrder(lab.topics.sink("flows.raw"), { clock: systemClock });
    for (let turn = 0; !stop.aborted; turn++) {
      await sink.write(nodes.flatMap((node) => batch(node, told)), forever);
      if (turn % 3 === 0) await sink.write(nodes.flatMap((node) => batch(node, told)), forever);
      told += perBatch;
      await systemClock.sleep(20);
    }
  }

  /** Waits until all has been enriched, and stops those who do it. */
  async function finish(enrichers: readonly Run[]): Promise<void> {
    const wanted = nodes.length * told;
    const seen = new Set<string>();
    const enough = new AbortController();
    for await (const { items, ack } of lab.topics.source("flows", "count").open(enough.signal)) {
      for (const { node, seq } of items) seen.add(`${node} ${seq}`);
      await ack();
      if (seen.size >= wanted) break;
    }
    enough.abort();
    for (const run of enrichers) assert.equal(await lab.stop(run), 0);
  }

  async function assertOnce(): Promise<void> {
    const flows = await lab.records("flows");
    const ids = flows.map(({ node, epoch, seq }) => `${node} ${epoch} ${seq}`);
    assert.equal(new Set(ids).size, nodes.length * told, "none lost");
    assert.equal(ids.length, nodes.length * told, "none twice");
    for (const node of nodes) {
      const seqs = flows.filter((flow) => flow.node === node).map(({ seq }) => seq);
      assert.deepEqual(seqs, seqs.toSorted((a, b) => a - b), `those of ${node} in their order`);
    }
  }

  it(`tell of every record once, after ${kills} kills in the middle of the work`, async () => {
    const stop = new AbortController();
    const telling = tell(stop.signal);
    let enricher = await start();
    for (let turn = 0; turn < kills; turn++) {
      await systemClock.sleep(500 + 137 * (turn % 7));
      await lab.kill(enricher);
      enricher = await start();
    }
    stop.abort();
    await telling;
    await finish([enricher]);
    await assertOnce();
  });

  it("tell of every record once while they come, go and are killed side by side", async () => {
    const stop = new AbortController();
    const telling = tell(stop.signal);
    const first = await start();
    const second = await start();
    await systemClock.sleep(1_000);
    assert.equal(await lab.stop(first), 0);
    const third = await start();
    await lab.kill(second);
    // One that was taken for dead and is not must not write any more.
    third.process.kill("SIGSTOP");
    const fourth = await start();
    await systemClock.sleep(18_000);
    third.process.kill("SIGCONT");
    await systemClock.sleep(2_000);
    stop.abort();
    await telling;
    await finish([third, fourth]);
    await assertOnce();
  });
});

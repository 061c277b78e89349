import assert from "node:assert/strict";
import { together } from "../../bin/together.ts";
import { SluiceError } from "../../core/errors.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { loss, rawFlow, seconds } from "../support/flows.ts";
import { nothingDropped } from "../support/kernel-counts.ts";
import { engineOf, FakeCollector, FakeStore } from "./fake-engine.ts";

const heartbeat: Heartbeat = {
  ...{ cluster: "lab", node: "node-1", epoch: 1, seq: 7, start: seconds(0), end: seconds(10) },
  ...{ flows: 1, losses: 0, conntrackEvents: 1, loggedPackets: 0, decodeFailures: 0, overruns: 0, dropped: 0 },
  ...{ connections: 1, connectionsMax: 100, ...nothingDropped },
};

function rig() {
  const diary: string[] = [];
  const clock = new FakeClock();
  const collector = new FakeCollector(clock, diary);
  const store = new FakeStore(diary);
  const metrics = new Metrics();
  const shown: number[] = [];
  const flows = {
    name: "shown",
    write: (batch: readonly { readonly seq: number }[]) =>
      Promise.resolve(void shown.push(...batch.map(({ seq }) => seq))),
  };
  const openStore = () => {
    diary.push("store open");
    return Promise.resolve(store);
  };
  const stop = new AbortController();
  const engine = engineOf({ clock, collector, openStore, options: { flows, metrics } });
  return { diary, clock, collector, store, metrics, shown, stop, engine };
}

const seqsOf = (records: readonly { readonly seq: number }[]) => records.map(({ seq }) => seq);

describe("bin/engine", () => {
  it("opens the store before anything else, and ends from the front: store in a hurry, collector, flows, store closed", async () => {
    const { diary, collector, store, stop, engine } = rig();
    store.gather();
    collector.last = [rawFlow({ seq: 1 })];
    const running = engine.run(stop.signal);
    collector.collect(rawFlow({ seq: 0 }));
    await settled();
    stop.abort();
    await running;
    const order = [
      "store open",
      "collector begins",
      "store hurries",
      "collector ended",
      "flows kept",
      "flows kept",
      "store closed",
    ];
    assert.deepEqual(diary, order);
    assert.deepEqual(
      [seqsOf(store.kept.flows), collector.acked],
      [
        [0, 1],
        [0, 1],
      ],
    );
  });

  it("shows flows at once, and acks them when the store has them", async () => {
    const { collector, store, shown, stop, engine } = rig();
    store.gather();
    const running = engine.run(stop.signal);
    collector.collect(rawFlow({ seq: 0 }));
    await settled();
    assert.deepEqual([shown, collector.acked], [[0], []]);
    stop.abort();
    await running;
    assert.deepEqual(collector.acked, [0]);
  });

  for (const turns of [0, 1, 2, 3, 5, 8, 13])
    it(`asked to stop after ${turns} turns of work, it has stored all that it acked and all that it was handed`, async () => {
      const { collector, store, stop, engine } = rig();
      const running = engine.run(stop.signal);
      for (let turn = 0; turn < turns; turn++) {
        collector.collect(rawFlow({ seq: turn }));
        await new Promise((resolve) => setImmediate(resolve));
      }
      stop.abort();
      await running;
      const all = Array.from({ length: turns }, (_, seq) => seq);
      assert.deepEqual([seqsOf(store.kept.flows), collector.acked], [all, all]);
    });

  it("a data folder of somebody else ends it with that sentence, before the kernel is read", async () => {
    const { diary, clock, collector } = rig();
    const refusal = new SluiceError("DATA_IN_USE", "./data is in use by process 4711");
    const engine = engineOf({ clock, collector, openStore: () => Promise.reject(refusal) });
    // As a command runs it: waiting to be ready must not keep it from ending.
    const works = [(stop: AbortSignal) => engine.run(stop), engine.ready, engine.opened];
    await assert.rejects(together(new AbortController().signal, works), refusal);
    assert.deepEqual(diary, []);
  });

  it("a collector that fails ends the rest in order, and its error is told", async () => {
    const { diary, collector, engine } = rig();
    collector.failure = new SluiceError("NETLINK_FAILED", "the kernel said no");
    collector.last = [rawFlow({ seq: 0 })];
    await assert.rejects(engine.run(new AbortController().signal), collector.failure);
    assert.equal(diary.at(-1), "store closed");
    assert.deepEqual(collector.acked, [0]);
  });

  it("a store that is away for a while gets the flows when it is back; nothing is acked before", async () => {
    const { clock, collector, store, metrics, stop, engine } = rig();
    let away = 2;
    store.beforeFlows = () =>
      away-- > 0
        ? Promise.reject(new SluiceError("STORE_FAILED", "disk full", { retriable: true }))
        : Promise.resolve();
    const running = engine.run(stop.signal);
    collector.collect(rawFlow({ seq: 0 }));
    await settled();
    assert.deepEqual(collector.acked, []);
    await clock.advance(1000);
    assert.deepEqual([collector.acked, seqsOf(store.kept.flows)], [[0], [0]]);
    assert.match(await metrics.text(), /sluice_store_failures_total\{kind="flow"\} 2/);
    stop.abort();
    await running;
  });

  it("a record that comes again after it was stored is left out", async () => {
    const { collector, store, shown, metrics, stop, engine } = rig();
    const running = engine.run(stop.signal);
    for (const seqs of [
      [0, 1],
      [0, 1, 2],
    ]) {
      collector.collect(...seqs.map((seq) => rawFlow({ seq })));
      await settled();
    }
    stop.abort();
    await running;
    assert.deepEqual(
      [seqsOf(store.kept.flows), shown],
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
    );
    assert.match(await metrics.text(), /sluice_enricher_repeated_records_total\{kind="flow"\} 2/);
  });

  it("keeps losses, heartbeats, tenures and the program; what the store remembers is not told again", async () => {
    const { collector, store, stop, engine } = rig();
    const running = engine.run(stop.signal);
    collector.losses.push([loss({ seq: 3 })]);
    collector.heartbeats.push([heartbeat]);
    await settled();
    stop.abort();
    await running;
    const { losses, heartbeats, tenures, programs } = store.kept;
    assert.deepEqual([seqsOf(losses), seqsOf(heartbeats)], [[3], [7]]);
    assert.deepEqual([tenures.map(({ name }) => name), programs.length], [["web"], 1]);

    const again = rig();
    again.store.remembered = { tenures, programs };
    const rerun = again.engine.run(again.stop.signal);
    await settled();
    again.stop.abort();
    await rerun;
    assert.deepEqual([again.store.kept.tenures, again.store.kept.programs], [[], []]);
  });

  it("tells of a tenure again when a day is over", async () => {
    const { clock, store, stop, engine } = rig();
    const running = engine.run(stop.signal);
    await settled();
    for (let hour = 0; hour < 25; hour++) await clock.advance(3_600_000);
    await settled();
    stop.abort();
    await running;
    assert.deepEqual(
      store.kept.tenures.map(({ name, end }) => [name, end]),
      [
        ["web", null],
        ["web", null],
      ],
    );
  });

  it("measures how old a flow was when it was stored, from its first event in the window", async () => {
    const { clock, collector, metrics, stop, engine } = rig();
    const running = engine.run(stop.signal);
    await clock.advance(4_000);
    collector.collect(rawFlow({ start: seconds(0), startedAt: seconds(0.5), end: seconds(1) }));
    await settled();
    stop.abort();
    await running;
    const text = await metrics.text();
    assert.match(text, /sluice_store_freshness_seconds_sum\{kind="flow"\} 3\.5/);
    assert.match(text, /sluice_enricher_flows_total\{action="allow",verdict_source="\w+",mode="observed"\} 1/);
  });

  it("counts losses by node and source, also where their number is not known", async () => {
    const { collector, metrics, stop, engine } = rig();
    const running = engine.run(stop.signal);
    collector.losses.push([loss({ seq: 0, count: 5 }), loss({ seq: 1, count: null })]);
    await settled();
    stop.abort();
    await running;
    const text = await metrics.text();
    assert.match(text, /sluice_collector_losses_total\{node="node-1",source="conntrack"\} 2/);
    assert.match(text, /sluice_collector_lost_records_total\{node="node-1",source="conntrack"\} 5/);
  });
});

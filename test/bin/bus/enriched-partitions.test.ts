import assert from "node:assert/strict";
import { type Enriching, enrichPartitions } from "../../../bin/bus/enriched-partitions.ts";
import { RecordTopics } from "../../../bin/bus/record-topics.ts";
import type { KeptBus } from "../../../core/bus.ts";
import { systemClock } from "../../../core/clock.ts";
import { silentLog } from "../../../core/log.ts";
import { Metrics } from "../../../core/metrics.ts";
import { run } from "../../../core/pipeline.ts";
import { Once } from "../../../enrichers/once.ts";
import { BusLab } from "../../integration/bus-lab.ts";
import { flow, rawFlow } from "../../support/flows.ts";
import { needsServices } from "../../support/needs-services.ts";
import { until } from "../../support/until.ts";

const nodes = ["node-a", "node-b", "node-c", "node-d"];
const perNode = 300;
const forever = new AbortController().signal;

describe("bin/bus/enriched-partitions", function () {
  this.timeout(90_000); // a real broker, on a machine that may be busy
  const address = needsServices("kafka");
  let lab: BusLab;
  let repeated = 0;

  beforeEach(async () => {
    [lab, repeated] = [new BusLab(address("kafka")), 0];
    await lab.open("");
  });
  afterEach(() => lab.close());

  const enrich: Enriching<"flows"> = (source, into, marks) => {
    const once = new Once({
      marks,
      onRepeated: (count) => {
        repeated += count;
      },
    });
    return run(once.wrap(source), (batch) => batch.map((raw) => flow(raw)), into, { signal: forever });
  };

  /** As a member of that group: nothing is committed for one that is new. */
  async function work(member: string, stop: AbortSignal, how = enrich): Promise<void> {
    const bus = lab.bus as KeptBus;
    const asMember: KeptBus = {
      ...{ publisher: bus.publisher.bind(bus), subscription: bus.subscription.bind(bus) },
      ...{ fenced: bus.fenced.bind(bus), reader: bus.reader.bind(bus), close: bus.close.bind(bus) },
      partitions: (topic, group, signal) => bus.partitions(topic, `${group}.${member}`, signal),
    };
    const topics = new RecordTopics(asMember, lab.config, new Metrics(), silentLog);
    const reader = bus.reader([topics.topic("flows").name], topics.nameOf("reader"));
    const options = { kind: "flows", topics, reader, clock: systemClock, log: silentLog, enrich: how } as const;
    await enrichPartitions(options, stop);
    await reader.close();
  }

  async function tell(from: number): Promise<void> {
    const sink = lab.topics.sink("flows.raw");
    for (let seq = from; seq < from + perNode; seq += 10)
      await sink.write(
        nodes.flatMap((node) => Array.from({ length: 10 }, (_, place) => rawFlow({ node, seq: seq + place }))),
        forever,
      );
  }

  async function assertOnce(count: number): Promise<void> {
    const flows = await lab.records("flows");
    for (const node of nodes) {
      const seqs = flows.filter((one) => one.node === node).map(({ seq }) => seq);
      assert.deepEqual(seqs, Array.from({ length: count }, (_, seq) => seq), node);
    }
  }

  it("does nothing again, though none of what was done before is committed", async () => {
    await tell(0);
    for (const member of ["first", "second", "third"]) {
      const stop = new AbortController();
      const working = work(member, stop.signal);
      if (member === "second") await tell(perNode);
      const all = nodes.length * perNode * (member === "first" ? 1 : 2);
      let seen = 0;
      for await (const { items, ack } of lab.topics.source("flows", member).open(stop.signal)) {
        seen += items.length;
        await ack();
        if (seen >= all) break;
      }
      const before = { second: nodes.length * perNode, third: 2 * nodes.length * perNode }[member] ?? 0;
      await until("what was done before to come again", () => repeated >= before, 30_000);
      [repeated] = [0, stop.abort()];
      await working;
    }
    await assertOnce(2 * perNode);
  });

  it("begins anew from what is stored, once somebody else has written in its name", async () => {
    const stop = new AbortController();
    await tell(0);
    let written = 0;
    const disturbed: typeof enrich = (source, into, marks, over) => {
      const write: typeof into.write = async (batch, signal) => {
        await into.write(batch, signal);
        written += batch.length;
      };
      return enrich(source, { name: into.name, write }, marks, over);
    };
    const working = work("one", stop.signal, disturbed);
    await until("all to be written", () => written === nodes.length * perNode, 30_000);
    const { name } = lab.topics.topic("flows");
    for (let partition = 0; partition < 3; partition++) {
      const other = (lab.bus as KeptBus).fenced(name, partition, lab.topics.nameOf(`enrich.flows.${partition}`));
      await other.write([{ key: "", value: lab.topics.topic("flows").codec.encode([]) }]);
      await other.close();
    }
    await tell(perNode);
    await until("the rest to be written", () => written === 2 * nodes.length * perNode, 30_000);
    stop.abort();
    await working;
    await assertOnce(2 * perNode);
  });
});

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { aborted } from "../../../core/aborted.ts";
import type { AssignedPartition, KeptBus, Message } from "../../../core/bus.ts";
import { kafkaBus } from "../../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../../core/bus-kafka/topics.ts";
import { systemClock } from "../../../core/clock.ts";
import { silentLog } from "../../../core/log.ts";
import { needsServices } from "../../support/needs-services.ts";
import { message, next } from "../bus.contract.ts";

describe("core/bus-kafka, what it keeps", function () {
  this.timeout(60_000); // a real broker, on a machine that may be busy
  const address = needsServices("kafka");
  const forever = new AbortController().signal;
  let [topic, buses]: [string, KeptBus[]] = ["", []];

  const connection = () => ({ brokers: [address("kafka")], clientId: "test" });
  function join(): KeptBus {
    const options = { connection: connection(), clock: systemClock, log: silentLog, sessionMs: 6_000, fetchWaitMs: 50 };
    const bus = kafkaBus(options);
    buses.push(bus);
    return bus;
  }

  beforeEach(async () => {
    [topic, buses] = [randomUUID(), []];
    await ensureTopics(connection(), [{ name: topic, partitions: 3, replicas: 1, settings: {} }], silentLog);
  });
  afterEach(() => Promise.all(buses.map((bus) => bus.close())));

  const numbersOf = (messages: readonly Message[]) => messages.map(({ value }) => Buffer.from(value).toString());
  const numbered = (...numbers: readonly number[]) =>
    numbers.map((number) => ({ key: "", value: Buffer.from(String(number)) }));

  async function assigned(bus: KeptBus, count: number, stop = forever) {
    const found: AssignedPartition[] = [];
    const iterator = bus.partitions(topic, "g", stop)[Symbol.asyncIterator]();
    while (found.length < count) found.push((await iterator.next()).value as AssignedPartition);
    return { found, iterator };
  }

  it("hands out partitions, each with what stands in it, and takes them away when another member comes", async () => {
    const [first, second] = [join(), join()];
    const { found } = await assigned(first, 3);
    assert.deepEqual(found.map(({ number }) => number).sort(), [0, 1, 2]);
    await first.publisher(topic).write(
      ["a", "b", "c", "d"].map((key) => message(key, 1)),
      forever,
    );
    const [keys, all] = [[] as string[], new AbortController()];
    const reading = found.map(async ({ source, number }) => {
      for await (const { items, ack } of source.open(all.signal)) {
        assert.ok(items.every(({ origin }) => origin?.startsWith(`${topic}/${number}@`)));
        keys.push(...items.map(({ key }) => key));
        await ack();
        if (keys.length >= 4) all.abort();
      }
    });
    await Promise.all(reading);
    assert.deepEqual(keys.sort(), ["a", "b", "c", "d"]);
    const theirs = await assigned(second, 1);
    await Promise.race(found.map(({ lost }) => aborted(lost)));
    assert.equal(theirs.found.length, 1);
  });

  it("hands out what was refused again, also to a source that is opened anew", async () => {
    const bus = join();
    const { found } = await assigned(bus, 3);
    await bus.publisher(topic).write([message("a", 1)], forever);
    const one = await Promise.race(
      found.map(async ({ source }) => ({ source, delivery: await next(source.open(forever)[Symbol.asyncIterator]()) })),
    );
    await one.delivery.nack(new Error("no"));
    const again = await next(one.source.open(forever)[Symbol.asyncIterator]());
    assert.deepEqual(numbersOf(again.items), numbersOf(one.delivery.items));
    await again.ack();
  });

  it("stores a fenced batch whole, says where, and reads it again", async () => {
    const bus = join();
    const fenced = bus.fenced(topic, 1, `${topic}-1`);
    assert.equal(await fenced.write(numbered(1, 2)), 0n);
    // The transaction's own mark takes a place.
    assert.equal(await fenced.write(numbered(3)), 3n);
    const reader = bus.reader([topic], "test");
    const read = await reader.read(topic, 1, { from: 1n, to: 4n }, forever);
    assert.deepEqual(numbersOf(read), ["2", "3"]);
    // The same reader again, from before.
    assert.deepEqual(numbersOf(await reader.read(topic, 1, { from: 0n, to: 2n }, forever)), ["1", "2"]);
    await Promise.all([reader.close(), fenced.close()]);
  });

  it("lets the last one that began write, and nobody before it", async () => {
    const bus = join();
    const [first, second] = [bus.fenced(topic, 0, `${topic}-0`), bus.fenced(topic, 0, `${topic}-0`)];
    await first.write(numbered(1));
    await second.write(numbered(2));
    await assert.rejects(first.write(numbered(3)), { code: "BUS_FAILED" });
    const end = await second.write(numbered(4));
    const reader = bus.reader([topic], "test");
    assert.deepEqual(numbersOf(await reader.read(topic, 0, { from: 0n, to: end + 1n }, forever)), ["1", "2", "4"]);
    await Promise.all([reader.close(), first.close(), second.close()]);
  });

  it("writes in transactions without pauses between them", async () => {
    const [bus, turns] = [join(), 50];
    const fenced = bus.fenced(topic, 2, `${topic}-2`);
    const publisher = bus.publisher(topic);
    const msOf = async (write: () => Promise<unknown>) => {
      await write();
      const begun = systemClock.monotonic();
      for (let turn = 0; turn < turns; turn++) await write();
      return (systemClock.monotonic() - begun) / turns;
    };
    const plain = await msOf(() => publisher.write([message("a", 1)], forever));
    const transacted = await msOf(() => fenced.write(numbered(1)));
    console.log(`      ${transacted.toFixed(1)} ms a write, without a transaction ${plain.toFixed(1)} ms`);
    // By itself kafkajs waits 300 ms where the broker still ends the transaction before; a busy machine is slow at both.
    assert.ok(transacted < Math.max(100, 30 * plain));
    await fenced.close();
  });

  it("gives up reading when asked to, and tells what is kept since when", async () => {
    const bus = join();
    const reader = bus.reader([topic], "test");
    await assert.rejects(reader.read(topic, 0, { from: 0n, to: 1n }, AbortSignal.timeout(500)), { code: "BUS_FAILED" });
    await bus.publisher(topic).write([message("a", 1)], forever);
    const before = await reader.extents(topic);
    const [[number, extent] = [0, { from: 0n, to: 0n }]] = [...before].filter(([, { to }]) => to > 0n);
    assert.deepEqual(extent, { from: 0n, to: 1n });
    const since = await reader.extents(topic, systemClock.now() + 60_000);
    assert.deepEqual(since.get(number), { from: 1n, to: 1n });
    await reader.close();
  });
});

import assert from "node:assert/strict";
import { memoryBus } from "../../core/bus-memory.ts";
import { settled } from "../support/fake-clock.ts";
import { busContract, message, next } from "./bus.contract.ts";

describe("core/bus-memory", () => {
  describe("keeps the contract of a bus:", () =>
    busContract({ bus: (capacity) => memoryBus({ capacity }), isBounded: true }));

  const forever = new AbortController().signal;
  const open = (bus: ReturnType<typeof memoryBus>, group = "g") =>
    bus.subscription("t", group).open(forever)[Symbol.asyncIterator]();

  it("delivers after close what was stored before", async () => {
    const bus = memoryBus();
    const member = open(bus);
    await bus.publisher("t").write([message("a", 1)], forever);
    await bus.close();
    await (await next(member)).ack();
    assert.equal((await member.next()).done, true);
  });

  it("holds back messages of a key that another delivery has, and no others", async () => {
    const bus = memoryBus({ batch: 1 });
    const member = open(bus);
    await bus.publisher("t").write([message("a", 1), message("a", 2), message("b", 3)], forever);
    const first = await next(member);
    const second = await next(member);
    assert.deepEqual([...first.items, ...second.items], [message("a", 1), message("b", 3)]);
    await first.ack();
    assert.deepEqual((await next(member)).items, [message("a", 2)]);
  });

  it("takes the first word of a delivery: ack after nack changes nothing", async () => {
    const bus = memoryBus();
    const member = open(bus);
    await bus.publisher("t").write([message("a", 1)], forever);
    const delivery = await next(member);
    await delivery.nack(new Error("no"));
    await delivery.ack();
    assert.deepEqual((await next(member)).items, [message("a", 1)]);
  });

  it("lets other work run between deliveries that are nacked at once", async () => {
    const bus = memoryBus();
    const stop = new AbortController();
    await bus.publisher("t").write([], forever);
    const source = bus.subscription("t", "g");
    await bus.publisher("t").write([message("a", 1)], forever);
    setImmediate(() => setImmediate(() => stop.abort()));
    for await (const delivery of source.open(stop.signal)) await delivery.nack(new Error("no"));
    assert.ok(stop.signal.aborted);
  });

  it("stores batches in the order they were written, also those that had to wait", async () => {
    const bus = memoryBus({ capacity: 1 });
    const member = open(bus);
    const publisher = bus.publisher("t");
    const writes = [1, 2, 3].map((n) => publisher.write([message("a", n)], forever));
    const seen: number[] = [];
    while (seen.length < 3) {
      const delivery = await next(member);
      seen.push(...delivery.items.map(({ value }) => value[0] as number));
      await settled();
      await delivery.ack();
    }
    await Promise.all(writes);
    assert.deepEqual(seen, [1, 2, 3]);
  });
});

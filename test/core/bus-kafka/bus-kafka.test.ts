import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Bus } from "../../../core/bus.ts";
import { kafkaBus } from "../../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../../core/bus-kafka/topics.ts";
import { systemClock } from "../../../core/clock.ts";
import { silentLog } from "../../../core/log.ts";
import { needsServices } from "../../support/needs-services.ts";
import { busContract, message, next } from "../bus.contract.ts";

describe("core/bus-kafka", function () {
  this.timeout(60_000); // a real broker, on a machine that may be busy
  const address = needsServices("kafka");
  const forever = new AbortController().signal;
  const connection = () => ({ brokers: [address("kafka")], clientId: "test" });
  const make = () =>
    kafkaBus({ connection: connection(), clock: systemClock, log: silentLog, sessionMs: 6_000, fetchWaitMs: 50 });

  /** With topics of its own under the names of the contract. */
  async function isolated(): Promise<Bus> {
    const prefix = randomUUID();
    const plan = (name: string) => ({ name: `${prefix}.${name}`, partitions: 3, replicas: 1, settings: {} });
    await ensureTopics(connection(), ["t", "other"].map(plan), silentLog);
    const bus = make();
    return {
      publisher: (topic) => bus.publisher(`${prefix}.${topic}`),
      subscription: (topic, group) => bus.subscription(`${prefix}.${topic}`, `${prefix}.${group}`),
      close: () => bus.close(),
    };
  }

  describe("keeps the contract of a bus:", () => busContract({ bus: isolated, isBounded: false }));

  it("leaves out a warning of Node.js that means nothing, and no other", async () => {
    const bus = await isolated();
    const warned: string[] = [];
    const hear = ({ name }: Error) => void warned.push(name);
    process.on("warning", hear);
    await bus.publisher("t").write([message("a", 1)], forever);
    process.emitWarning("a test's own", "TestWarning");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", hear);
    assert.deepEqual(warned, ["TestWarning"]);
    await bus.close();
  });

  it("tells where a message stands, and keeps its headers", async () => {
    const bus = await isolated();
    await bus.publisher("t").write([{ ...message("a", 1), headers: { cause: "broken" } }], forever);
    const delivery = await next(bus.subscription("t", "g").open(forever)[Symbol.asyncIterator]());
    const [{ headers, origin } = {}] = delivery.items;
    assert.deepEqual(headers, { cause: "broken" });
    assert.match(origin ?? "", /\.t\/\d@0$/);
    await delivery.ack();
    await bus.close();
  });
});

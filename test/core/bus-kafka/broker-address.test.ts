import assert from "node:assert/strict";
import { brokerHost, brokerName } from "../../../core/bus-kafka/broker-address.ts";
import { kafkaBus } from "../../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../../core/bus-kafka/topics.ts";
import { systemClock } from "../../../core/clock.ts";
import { silentLog } from "../../../core/log.ts";
import { freePort } from "../../../scripts/services/processes.ts";
import { needsServices, ownServices } from "../../support/needs-services.ts";
import { message, next } from "../bus.contract.ts";

describe("core/bus-kafka/broker-address", () => {
  for (const { broker, host, port } of [
    { broker: "kafka-0:9092", host: "kafka-0", port: "9092" },
    { broker: "10.0.0.7:9092", host: "10.0.0.7", port: "9092" },
    { broker: "[::1]:9092", host: "::1", port: "9092" },
    { broker: "[fd00:1::7]:9093", host: "fd00:1::7", port: "9093" },
    { broker: "[::ffff:10.0.0.7]:9093", host: "::ffff:10.0.0.7", port: "9093" },
  ])
    it(`finds ${broker} again behind kafkajs, which cuts at the first colon`, () => {
      const [name = "", cut] = brokerName(broker).split(":");
      assert.deepEqual([brokerHost(name), cut], [host, port]);
    });
});

describe("core/bus-kafka, on a broker with an address of IPv6", function () {
  this.timeout(180_000); // a broker is started
  needsServices("kafka");
  const services = ownServices("ipv6");
  let connection = { brokers: [] as readonly string[], clientId: "test" };

  before(async () => {
    const port = await freePort();
    const listeners = `PLAINTEXT://127.0.0.1:@PORT@,SIX://[::1]:${port}`;
    const settings = [
      `listeners=${listeners},CONTROLLER://127.0.0.1:@CONTROLLER_PORT@`,
      `advertised.listeners=${listeners}`,
      "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SIX:PLAINTEXT",
    ];
    await services.up("kafka", { settings });
    connection = { ...connection, brokers: [`[::1]:${port}`] };
  });
  after(() => services.remove());

  it("publishes and reads", async () => {
    const forever = new AbortController().signal;
    await ensureTopics(connection, [{ name: "t", partitions: 1, replicas: 1, settings: {} }], silentLog);
    const bus = kafkaBus({ connection, clock: systemClock, log: silentLog });
    await bus.publisher("t").write([message("a", 1)], forever);
    const delivery = await next(bus.subscription("t", "g").open(forever)[Symbol.asyncIterator]());
    assert.equal(delivery.items.length, 1);
    await delivery.ack();
    await bus.close();
  });
});

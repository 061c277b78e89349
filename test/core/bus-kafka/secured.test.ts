import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Bus } from "../../../core/bus.ts";
import { explained, isFinal } from "../../../core/bus-kafka/advice.ts";
import type { KafkaConnection } from "../../../core/bus-kafka/connection.ts";
import { kafkaBus } from "../../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../../core/bus-kafka/topics.ts";
import { systemClock } from "../../../core/clock.ts";
import { silentLog } from "../../../core/log.ts";
import { needsServices } from "../../support/needs-services.ts";
import { SecuredKafka } from "../../support/secured-kafka.ts";
import { busContract, message, next } from "../bus.contract.ts";

describe("core/bus-kafka, on a broker that asks who one is", function () {
  this.timeout(60_000); // a real broker, on a machine that may be busy
  needsServices("kafka");
  const broker = new SecuredKafka("secured");
  const forever = new AbortController().signal;

  before(async function () {
    this.timeout(180_000);
    await broker.up(["nobody"], ["root"]);
  });
  after(() => broker.remove());

  async function isolated(connection: KafkaConnection): Promise<Bus> {
    const prefix = randomUUID();
    const plan = (name: string) => ({ name: `${prefix}.${name}`, partitions: 3, replicas: 1, settings: {} });
    await ensureTopics(connection, ["t", "other"].map(plan), silentLog);
    const bus = kafkaBus({ connection, clock: systemClock, log: silentLog, sessionMs: 6_000, fetchWaitMs: 50 });
    return {
      publisher: (topic) => bus.publisher(`${prefix}.${topic}`),
      subscription: (topic, group) => bus.subscription(`${prefix}.${topic}`, `${prefix}.${group}`),
      close: () => bus.close(),
    };
  }

  describe("keeps the contract of a bus by SCRAM over TLS:", () =>
    busContract({ bus: () => isolated(broker.byPassword("root", "scram-sha-512")), isBounded: false }));

  describe("keeps the contract of a bus by certificates of both (mTLS):", () =>
    busContract({ bus: () => isolated(broker.byCertificate(broker.certificate("root"))), isBounded: false }));

  for (const mechanism of ["plain", "scram-sha-256"] as const)
    it(`is known by ${mechanism}`, async () => {
      const bus = await isolated(broker.byPassword("root", mechanism));
      await bus.publisher("t").write([message("a", 1)], forever);
      const delivery = await next(bus.subscription("t", "g").open(forever)[Symbol.asyncIterator]());
      assert.equal(delivery.items.length, 1);
      await delivery.ack();
      await bus.close();
    });

  it("takes a changed password when it connects again", async () => {
    let password = "an old one";
    const connection = broker.byPassword("root", "scram-sha-256", () => password);
    await assert.rejects(ensureTopics(connection, [], silentLog));
    password = broker.password;
    assert.deepEqual(await ensureTopics(connection, [], silentLog), []);
  });

  it("accepts a broker by the name that it is told to expect", async () => {
    const named = broker.byPassword("root", "plain");
    const tls = () => ({ ...named.tls?.(), serverName: "broker.test" });
    assert.deepEqual(await ensureTopics({ ...named, tls }, [], silentLog), []);
  });

  const refusals: readonly {
    readonly title: string;
    readonly connection: () => KafkaConnection;
    readonly advice: RegExp;
    readonly final: boolean;
  }[] = [
    {
      title: "a wrong password",
      connection: () => broker.byPassword("root", "plain", () => "wrong"),
      advice: /bus\.username and bus\.password-file/,
      final: true,
    },
    {
      title: "a wrong password by SCRAM",
      connection: () => broker.byPassword("root", "scram-sha-512", () => "wrong"),
      advice: /bus\.username and bus\.password-file/,
      final: true,
    },
    {
      title: "an authority that nobody here knows",
      connection: () => ({ ...broker.byPassword("root", "plain"), tls: () => ({}) }),
      advice: /bus\.ca-file/,
      final: true,
    },
    {
      title: "a certificate that is out of date",
      connection: () => ({ ...broker.byPassword("root", "plain"), brokers: [broker.address("expired")] }),
      advice: /out of date/,
      final: true,
    },
    {
      title: "another name than is expected",
      connection: () => {
        const named = broker.byPassword("root", "plain");
        return { ...named, tls: () => ({ ...named.tls?.(), serverName: "elsewhere.test" }) };
      },
      advice: /bus\.server-name/,
      final: true,
    },
    {
      title: "no certificate where one is asked for",
      connection: () => {
        const { sasl: _, ...named } = broker.byPassword("root", "plain");
        return { ...named, brokers: [broker.address("ssl")] };
      },
      advice: /bus\.certificate-file/,
      final: true,
    },
    {
      title: "TLS to a port that speaks none",
      connection: () => ({ ...broker.byPassword("root", "plain"), brokers: [broker.address("plain")] }),
      advice: /bus\.tls/,
      final: false,
    },
    {
      title: "no TLS to a port that speaks it",
      connection: () => ({ ...broker.plain(), brokers: [broker.address("ssl")] }),
      advice: /bus\.tls/,
      final: false,
    },
  ];
  for (const { title, connection, advice, final } of refusals)
    it(`says what to set: ${title}`, async () => {
      const thrown = await ensureTopics(connection(), [], silentLog).then(
        () => assert.fail("it was let in"),
        (cause: unknown) => cause,
      );
      assert.match(explained(thrown), advice);
      assert.equal(isFinal(thrown), final);
      assert.ok(!explained(thrown).includes(broker.password));
    });
});

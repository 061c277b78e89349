import assert from "node:assert/strict";
import type { Bus, Message } from "../../core/bus.ts";
import { kafkaBus } from "../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../core/bus-kafka/topics.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { plainLog, silentLog } from "../../core/log.ts";
import { run, type Sink } from "../../core/pipeline.ts";
import { retrying } from "../../core/retrying.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { needsServices, ownServices } from "../support/needs-services.ts";
import { until as untilIn } from "../support/until.ts";

/** What a consumer makes durable, in the order it came. */
class Kept implements Sink<Message> {
  readonly name = "kept";
  readonly numbers: number[] = [];

  write(batch: readonly Message[]): Promise<void> {
    for (const { value } of batch) this.numbers.push(Buffer.from(value).readUInt32BE());
    return Promise.resolve();
  }

  get distinct(): number {
    return new Set(this.numbers).size;
  }
}

function numbered(key: string, number: number): Message {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(number);
  return { key, value };
}

const until = (probe: () => boolean) => untilIn("messages to come", probe, 60_000);
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

describe("a bus on Kafka, when things go wrong", function () {
  this.timeout(120_000); // a broker is killed and started again
  needsServices("kafka");
  const services = ownServices("kafka-outage");
  let [stop, buses]: [AbortController, Bus[]] = [new AbortController(), []];
  let brokers: readonly string[] = [];
  let topic = "";
  let turn = 0;

  const connection = () => ({ brokers, clientId: "test" });
  const join = (clock: Clock = systemClock, log = silentLog) => {
    const bus = kafkaBus({ connection: connection(), clock, log, sessionMs: 6_000, fetchWaitMs: 50 });
    buses.push(bus);
    return bus;
  };
  const consume = (bus: Bus, sink: Sink<Message>, signal = stop.signal) =>
    run(bus.subscription(topic, "g"), (batch) => batch, sink, { signal });
  const publisher = () => retrying(join().publisher(topic), { clock: systemClock });

  before(async () => {
    const env = await services.up("kafka");
    brokers = [env["KAFKA_BROKERS"] as string];
  });
  beforeEach(async () => {
    [stop, buses, topic] = [new AbortController(), [], `t${turn++}`];
    await ensureTopics(connection(), [{ name: topic, partitions: 4, replicas: 1, settings: {} }], silentLog);
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(buses.map((bus) => bus.close()));
  });
  after(() => services.remove());

  it("loses nothing when the broker is killed under load", async () => {
    const [kept, sink] = [new Kept(), publisher()];
    const consuming = consume(join(), kept);
    const count = 4_000;
    const publishing = upTo(count / 100).map(async (part) => {
      if (part > 10) await until(() => kept.distinct >= 100 * (part - 10));
      const batch = upTo(100).map((place) => numbered(`key ${place % 7}`, 100 * part + place));
      await sink.write(batch, stop.signal);
    });
    await until(() => kept.distinct > 500);
    await services.kill("kafka");
    await services.up("kafka", { keep: true });
    await Promise.all(publishing);
    await until(() => kept.distinct === count);
    stop.abort();
    await consuming;
  });

  it("hands everything to somebody while members come and go, and little of it twice", async () => {
    const [kept, sink] = [new Kept(), publisher()];
    const stayer = consume(join(), kept);
    let written = 0;
    const more = async () => {
      await sink.write(
        upTo(100).map((place) => numbered(`key ${place}`, written + place)),
        stop.signal,
      );
      written += 100;
    };
    for (let turn = 0; turn < 3; turn++) {
      const [leaving, share] = [new AbortController(), new Kept()];
      const both: Sink<Message> = {
        name: "both",
        write: async (batch) => void (await Promise.all([kept.write(batch), share.write(batch)])),
      };
      const guest = consume(join(), both, leaving.signal);
      while (share.distinct < 200) await more();
      leaving.abort();
      await guest;
      await more();
    }
    await until(() => kept.distinct === written);
    // A rebalance waits for what is out, so what comes twice is what was acked and could not be committed any more.
    assert.ok(kept.numbers.length - kept.distinct < written / 10, `${kept.numbers.length} came of ${kept.distinct}`);
    stop.abort();
    await stayer;
  });

  it("begins after what was acked, in another process", async () => {
    const [first, second, sink] = [new Kept(), new Kept(), publisher()];
    const leaving = new AbortController();
    const earlier = consume(join(), first, leaving.signal);
    await sink.write(
      upTo(50).map((number) => numbered("key", number)),
      stop.signal,
    );
    await until(() => first.numbers.length === 50);
    leaving.abort();
    await earlier;
    await Promise.all(buses.map((bus) => bus.close()));
    await publisher().write([numbered("key", 50)], stop.signal);
    const later = consume(join(), second);
    await until(() => second.numbers.length > 0);
    assert.deepEqual(second.numbers, [50]);
    stop.abort();
    await later;
  });

  it("hands out again what a stalled consumer has, once it refuses it", async () => {
    const [kept, sink, held] = [new Kept(), publisher(), Promise.withResolvers<void>()];
    let refusals = 0;
    const stalling: Sink<Message> = {
      name: "stalling",
      async write(batch) {
        if (refusals++ > 0) return kept.write(batch);
        await held.promise;
        throw new Error("the disk was full");
      },
    };
    const [clock, told] = [new FakeClock(), [] as string[]];
    const consuming = consume(
      join(
        clock,
        plainLog("debug", (line) => void told.push(line)),
      ),
      stalling,
    );
    await sink.write([numbered("key", 1)], stop.signal);
    await until(() => refusals === 1);
    await sink.write([numbered("key", 2)], stop.signal);
    await untilIn("its partition to be paused", async () => {
      await clock.advance(100);
      return told.some((line) => line.includes("partition paused"));
    });
    held.resolve();
    await untilIn("it to come again", async () => {
      await clock.advance(100);
      return kept.numbers.length === 2;
    });
    assert.deepEqual(kept.numbers, [1, 2]);
    assert.ok(told.some((line) => line.includes("the disk was full")));
    stop.abort();
    await consuming;
  });

  it("tells how far it is behind, in messages and time", async () => {
    const [held, bus, sink] = [Promise.withResolvers<void>(), join(), publisher()];
    let seen = 0;
    const slow: Sink<Message> = {
      name: "slow",
      async write(batch) {
        seen += batch.length;
        await held.promise;
      },
    };
    const before = systemClock.now();
    await sink.write([numbered("key", 1), numbered("key", 2)], stop.signal);
    const consuming = consume(bus, slow);
    await until(() => seen === 2);
    const behind = bus.lags.filter(({ messages }) => messages > 0);
    assert.deepEqual(
      behind.map(({ group, messages }) => [group, messages]),
      [[`g.${topic}`, 2]],
    );
    const { seconds } = behind[0] as { readonly seconds: number };
    assert.ok(seconds >= 0 && seconds <= (systemClock.now() - before) / 1_000 + 1, `${seconds} s`);
    held.resolve();
    await until(() => bus.lags.every(({ messages, seconds: age }) => messages === 0 && age === null));
    stop.abort();
    await consuming;
  });

  it("says what it could not store, and may be asked again, while no broker answers", async () => {
    const sink = join().publisher(topic);
    await sink.write([numbered("key", 1)], stop.signal);
    await services.kill("kafka");
    await assert.rejects(sink.write([numbered("key", 2)], stop.signal), { code: "SINK_FAILED", retriable: true });
    await services.up("kafka", { keep: true });
    await retrying(sink, { clock: systemClock }).write([numbered("key", 2)], stop.signal);
  });
});

import assert from "node:assert/strict";
import type { Bus, Message } from "../../core/bus.ts";
import { memoryBus } from "../../core/bus-memory.ts";
import type { Delivery } from "../../core/pipeline.ts";
import { deadLetterTopic, publishing, type RecordTopic, subscribing } from "../../core/record-topic.ts";
import { batches, batchSchema } from "../../core/records/batch.ts";
import type { Loss } from "../../core/records/loss.ts";
import { next } from "./bus.contract.ts";

const forever = new AbortController().signal;
const topic: RecordTopic<Loss> = { name: "losses", codec: batches<Loss>(batchSchema("loss"), "losses") };

function loss(node: string, seq: number): Loss {
  return { cluster: "c", node, epoch: 1, seq, source: "queue", count: 1, start: 0, end: 1, detail: "full" };
}

const decoded = (message: Message) => topic.codec.decode(message) as readonly Loss[];
const nothing = { put: () => Promise.reject(new Error("no dead letters here")) };

function open<T>(source: { open(signal: AbortSignal): AsyncIterable<Delivery<T>> }): AsyncIterator<Delivery<T>> {
  return source.open(forever)[Symbol.asyncIterator]();
}

describe("records over a bus", () => {
  let bus: Bus;
  beforeEach(() => {
    bus = memoryBus();
  });
  afterEach(() => bus.close());

  async function read(member: AsyncIterator<Delivery<Message>>): Promise<readonly Message[]> {
    const { items, ack } = await next(member);
    await ack();
    return items;
  }

  it("come in the order of each node, many a message", async () => {
    const messages = open(bus.subscription("losses", "raw"));
    const records = Array.from({ length: 1_200 }, (_, seq) => loss(seq % 2 === 0 ? "a" : "b", seq));
    await publishing(bus, topic).write(records, forever);
    const sent = await read(messages);
    assert.deepEqual(
      sent.map((message) => [message.key, decoded(message).length]),
      [
        ["a", 500],
        ["a", 100],
        ["b", 500],
        ["b", 100],
      ],
    );
    const seqs = sent.flatMap((message) => decoded(message).map(({ seq }) => [message.key, seq]));
    assert.deepEqual(
      seqs.filter(([key]) => key === "a").map(([, seq]) => seq),
      records.filter(({ node }) => node === "a").map(({ seq }) => seq),
    );
  });

  it("are acked and refused together with their messages", async () => {
    const source = open(subscribing(bus, topic, "g", nothing));
    const first = source.next();
    await publishing(bus, topic).write([loss("a", 1), loss("a", 2)], forever);
    const delivery = (await first).value as Delivery<Loss>;
    await delivery.nack(new Error("disk full"));
    const again = (await source.next()).value as Delivery<Loss>;
    assert.deepEqual(again.items, [loss("a", 1), loss("a", 2)]);
    await again.ack();
  });

  it("that nobody can read are dead letters with cause and origin, and hold nothing up", async () => {
    const told: string[] = [];
    const dead = deadLetterTopic(bus, "dead", (origin, cause) => void told.push(`${origin}: ${cause}`));
    const graves = open(bus.subscription("dead", "g"));
    const source = open(subscribing(bus, topic, "g", dead));
    const first = source.next();
    const broken = { key: "a", value: Uint8Array.of(1, 2, 3), origin: "losses/0@7", headers: { trace: "x" } };
    await bus.publisher("losses").write([broken], forever);
    await publishing(bus, topic).write([loss("a", 1)], forever);
    assert.deepEqual(((await first).value as Delivery<Loss>).items, [loss("a", 1)]);
    const [letter] = await read(graves);
    assert.deepEqual([...(letter?.value ?? [])], [1, 2, 3]);
    assert.equal(letter?.headers?.["origin"], "losses/0@7");
    assert.equal(letter?.headers?.["trace"], "x");
    assert.match(letter?.headers?.["cause"] ?? "", /do not begin with a schema/);
    assert.equal(told.length, 1);
  });

  it("come again while a dead letter cannot be stored", async () => {
    let refusals = 0;
    const dead = { put: () => (refusals++ === 0 ? Promise.reject(new Error("away")) : Promise.resolve()) };
    const source = open(subscribing(bus, topic, "g", dead));
    const first = source.next();
    await bus.publisher("losses").write([{ key: "a", value: Uint8Array.of(9) }], forever);
    await publishing(bus, topic).write([loss("a", 1)], forever);
    assert.deepEqual(((await first).value as Delivery<Loss>).items, [loss("a", 1)]);
    assert.equal(refusals, 2);
  });
});

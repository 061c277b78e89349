import assert from "node:assert/strict";
import type { Bus, Message } from "../../core/bus.ts";
import type { Delivery } from "../../core/pipeline.ts";
import { settled } from "../support/fake-clock.ts";

export interface BusUnderTest {
  /** A new bus with nothing in it. */
  bus(capacity: number): Bus | Promise<Bus>;
  /** Whether its groups are full at `capacity` messages; others keep what nobody has read. */
  readonly isBounded: boolean;
}

/** What every Bus promises; run for each implementation. */
export function busContract({ bus: make, isBounded }: BusUnderTest): void {
  let bus: Bus;
  let stop: AbortController;
  const write = (topic: string, ...messages: Message[]) => bus.publisher(topic).write(messages, stop.signal);
  const open = (topic: string, group: string, signal = stop.signal) =>
    bus.subscription(topic, group).open(signal)[Symbol.asyncIterator]();

  beforeEach(async () => {
    bus = await make(4);
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await bus.close();
  });

  it("delivers what was published, bytes and all", async () => {
    const member = open("t", "g");
    await write("t", { key: "a", value: Uint8Array.of(0, 255, 7) });
    const { items } = await next(member);
    assert.deepEqual(
      items.map(({ key, value }) => [key, ...value]),
      [["a", 0, 255, 7]],
    );
  });

  it("keeps the order of messages of one key, whatever comes between", async () => {
    const member = open("t", "g");
    await write("t", message("a", 1), message("b", 1));
    await write("t", message("a", 2), message("b", 2));
    const seen = await take(member, 4);
    assert.deepEqual(
      seen.filter(([key]) => key === "a"),
      [
        ["a", 1],
        ["a", 2],
      ],
    );
    assert.deepEqual(
      seen.filter(([key]) => key === "b"),
      [
        ["b", 1],
        ["b", 2],
      ],
    );
  });

  it("shows every message to every group", async () => {
    const [first, second] = [open("t", "one"), open("t", "two")];
    await write("t", message("a", 1));
    assert.deepEqual(await take(first, 1), [["a", 1]]);
    assert.deepEqual(await take(second, 1), [["a", 1]]);
  });

  it("shows every message to one member of a group", async () => {
    const members = [open("t", "g"), open("t", "g")];
    const seen: (readonly [string, number])[] = [];
    const reading = members.map(async (member) => {
      for (let step = await member.next(); !step.done; step = await member.next()) {
        seen.push(...step.value.items.map(plain));
        await step.value.ack();
      }
    });
    for (let n = 1; n <= 20; n++) await write("t", message(`key ${n % 5}`, n));
    while (seen.length < 20) await settled();
    stop.abort();
    await Promise.all(reading);
    assert.deepEqual(
      seen.map(([, n]) => n).sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  });

  it("keeps topics apart", async () => {
    const member = open("t", "g");
    await write("other", message("a", 1));
    await write("t", message("a", 2));
    assert.deepEqual(await take(member, 1), [["a", 2]]);
  });

  it("takes groups of one name on different topics for different ones", async () => {
    const members = [open("t", "g"), open("other", "g")] as const;
    const first = members.map((member) => take(member, 1));
    await write("t", message("a", 1));
    await write("other", message("a", 2));
    assert.deepEqual(await Promise.all(first), [[["a", 1]], [["a", 2]]]);
  });

  it("delivers a nacked batch again, before later messages of its keys", async () => {
    const member = open("t", "g");
    await write("t", message("a", 1), message("a", 2));
    const refused = await next(member);
    await write("t", message("a", 3));
    await refused.nack(new Error("disk full"));
    assert.deepEqual(await take(member, 3), [
      ["a", 1],
      ["a", 2],
      ["a", 3],
    ]);
  });

  it("does not deliver an acked batch again", async () => {
    const member = open("t", "g");
    await write("t", message("a", 1));
    await (await next(member)).ack();
    await write("t", message("a", 2));
    assert.deepEqual(await take(member, 1), [["a", 2]]);
  });

  it("ends an iteration when its signal aborts, and not those of other members", async () => {
    const leaving = new AbortController();
    const [leaver, stayer] = [open("t", "g", leaving.signal), open("t", "g")];
    const left = leaver.next();
    leaving.abort();
    assert.equal((await left).done, true);
    await write("t", message("a", 1));
    assert.deepEqual(await take(stayer, 1), [["a", 1]]);
  });

  it("accepts the ack of a delivery handed out before the abort", async () => {
    const leaving = new AbortController();
    const leaver = open("t", "g", leaving.signal);
    await write("t", message("a", 1));
    const last = await next(leaver);
    leaving.abort();
    await last.ack();
    await write("t", message("a", 2));
    assert.deepEqual(await take(open("t", "g"), 1), [["a", 2]]);
  });

  it("ends iterations when the bus closes", async () => {
    const member = open("t", "g");
    const ended = member.next();
    await settled();
    await bus.close();
    assert.equal((await ended).done, true);
  });

  it("refuses to publish after close", async () => {
    const publisher = bus.publisher("t");
    await bus.close();
    await assert.rejects(publisher.write([message("a", 1)], stop.signal), { code: "SINK_FAILED" });
    await assert.rejects(write("t", message("a", 1)), { code: "SINK_FAILED" });
  });

  it("closes twice without complaint", async () => {
    await bus.close();
    await bus.close();
  });

  if (!isBounded) return;

  it("makes the publisher wait while the slowest group is full", async () => {
    const [quick, slow] = [open("t", "quick"), open("t", "slow")];
    await write("t", ...[1, 2, 3, 4].map((n) => message("a", n)));
    await take(quick, 4);
    let stored = false;
    const waiting = write("t", message("a", 5)).then(() => {
      stored = true;
    });
    await settled();
    assert.equal(stored, false);
    await (await next(slow)).ack();
    await waiting;
    assert.deepEqual(await take(quick, 1), [["a", 5]]);
  });

  it("refuses a batch when the publisher gives up waiting, and stores none of it", async () => {
    const member = open("t", "g");
    await write("t", ...[1, 2, 3, 4].map((n) => message("a", n)));
    const patience = new AbortController();
    const waiting = bus.publisher("t").write([message("a", 5)], patience.signal);
    patience.abort();
    await assert.rejects(waiting, { code: "SINK_FAILED" });
    assert.equal((await take(member, 4)).length, 4);
    await write("t", message("a", 6));
    assert.deepEqual(await take(member, 1), [["a", 6]]);
  });
}

export const message = (key: string, n: number): Message => ({ key, value: Uint8Array.of(n) });

const plain = ({ key, value }: Message) => [key, value[0] as number] as const;

type Deliveries = AsyncIterator<Delivery<Message>>;

export async function next(member: Deliveries): Promise<Delivery<Message>> {
  const step = await member.next();
  assert.ok(!step.done, "the iteration has ended");
  return step.value;
}

/** Acks deliveries until so many messages have come. */
async function take(member: Deliveries, count: number): Promise<(readonly [string, number])[]> {
  const seen: (readonly [string, number])[] = [];
  while (seen.length < count) {
    const delivery = await next(member);
    seen.push(...delivery.items.map(plain));
    await delivery.ack();
  }
  return seen;
}

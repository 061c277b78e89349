import assert from "node:assert/strict";
import type { Draft } from "../../collectors/draft.ts";
import { Inbox } from "../../collectors/inbox.ts";
import { Outbox } from "../../collectors/outbox.ts";
import type { Batch, Framed } from "../../collectors/spool/batch.ts";
import { batchIn } from "../../collectors/spool/record-frames.ts";
import { Spool } from "../../collectors/spool/spool.ts";
import { batchesInFlight } from "../../collectors/worker-protocol.ts";
import type { Clock } from "../../core/clock.ts";
import type { Delivery } from "../../core/pipeline.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { rawFlow } from "../support/flows.ts";
import { MemoryDisk } from "./spool/memory-disk.ts";

describe("the worker's end of the stream", () => {
  const opened = (limit: number, clock: Clock = hurrying()) => {
    const posted: number[][] = [];
    const outbox = new Outbox({
      clock,
      cluster: "c",
      node: "n",
      epoch: 1,
      limit,
      post: (_batch, framed) => {
        const { flows, losses, heartbeats } = recordsIn(framed);
        posted.push([...flows, ...losses, ...heartbeats].map(({ seq }) => seq));
      },
    });
    return { outbox, posted };
  };
  const drafts = (count: number) => ({ flows: Array.from({ length: count }, () => rawFlow()).map(unnumbered) });
  const loss = { source: "queue", count: 1, start: 0, end: 1, detail: "" } as const;

  it("numbers records of all kinds from 0", () => {
    const { outbox, posted } = opened(10);
    outbox.push(drafts(2));
    outbox.push({ ...drafts(1), losses: [loss] });
    outbox.push(drafts(1));
    assert.deepEqual(posted, [[0, 1], [2, 3], [4]]);
  });

  it("posts no more batches than may be unacked", () => {
    const { outbox, posted } = opened(100);
    for (let push = 0; push < batchesInFlight + 1; push++) outbox.push(drafts(1));
    assert.equal(posted.length, batchesInFlight);
    outbox.ack(0);
    assert.deepEqual(posted.at(-1), [batchesInFlight]);
  });

  it("drops flows that find it full, without a gap in the numbers, but no loss", () => {
    const { outbox, posted } = opened(3);
    for (let push = 0; push < batchesInFlight; push++) outbox.push(drafts(1));
    assert.equal(outbox.push({ ...drafts(5), losses: [loss] }), 2);
    outbox.ack(0);
    assert.equal(outbox.push(drafts(1)), 0);
    outbox.ack(1);
    assert.deepEqual(posted.slice(batchesInFlight), [
      [0, 1, 2, 3].map((at) => batchesInFlight + at),
      [batchesInFlight + 4],
    ]);
    assert.deepEqual(outbox.told, { flows: batchesInFlight + 4, losses: 1, dropped: 2 });
  });

  it("cuts large pushes into batches", () => {
    const { outbox, posted } = opened(10_000);
    outbox.push(drafts(8_500));
    outbox.post();
    assert.deepEqual(
      posted.map(({ length }) => length),
      [4_000, 4_000, 500],
    );
  });

  it("posts what comes right after another batch together, a little later", async () => {
    const clock = new FakeClock();
    const { outbox, posted } = opened(100, clock);
    for (let push = 0; push < 3; push++) outbox.push(drafts(1));
    outbox.push({ losses: [loss] });
    assert.deepEqual(posted, [[0]]);
    await clock.advance(50);
    outbox.post();
    assert.deepEqual(posted, [[0], [1, 2, 3]]);
  });

  it("posts everything at the end", () => {
    const { outbox, posted } = opened(100_000);
    outbox.push(drafts(50_000));
    outbox.postAll();
    assert.deepEqual(
      posted.flat(),
      Array.from({ length: 50_000 }, (_, seq) => seq),
    );
  });
});

describe("the worker's end of the stream with a spool", () => {
  const opened = (
    disk: MemoryDisk,
    limit: number,
    pace: Clock = hurrying(),
    see: (framed: Framed) => void = () => {},
  ) => {
    const clock = new FakeClock();
    const posted: string[][] = [];
    const settings = { folder: "/spool", maxBytes: 1 << 24, maxAgeMs: 86_400_000, syncMs: 1000 };
    const identity = { cluster: "c", node: "n" };
    const spool = Spool.open({
      ...settings,
      ...identity,
      clock,
      disk,
      onLoss: assert.fail,
      onTrouble: (text) => assert.equal(text, null),
    });
    const post = (_batch: number, framed: Framed) => {
      see(framed);
      posted.push(recordsIn(framed).flows.map(({ epoch, seq }) => `${epoch - spool.epoch}:${seq}`));
    };
    return {
      outbox: new Outbox({ ...identity, epoch: spool.epoch, limit, post, spool, clock: pace }),
      posted,
      spool,
    };
  };
  const push = (outbox: Outbox, count: number) =>
    outbox.push({ flows: Array.from({ length: count }, () => unnumbered(rawFlow())) });
  const ackAll = (outbox: Outbox, posted: readonly unknown[]) => {
    for (let batch = 0; batch < posted.length; batch++) outbox.ack(batch);
  };
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `0:${from + index}`);

  it("posts at the end what waited for more to come with it", () => {
    const { outbox, posted } = opened(new MemoryDisk(), 10, new FakeClock());
    push(outbox, 1);
    outbox.ack(0);
    push(outbox, 1);
    assert.deepEqual(posted, [["0:0"]]);
    outbox.postAll();
    assert.deepEqual(posted, [["0:0"], ["0:1"]]);
  });

  it("drops nothing for a slow reader: what memory has no room for is read from the spool later, in order", () => {
    const { outbox, posted } = opened(new MemoryDisk(), 10);
    for (let round = 0; round < 100; round++) assert.equal(push(outbox, 7), 0);
    assert.equal(posted.length, batchesInFlight);
    ackAll(outbox, posted);
    push(outbox, 1);
    assert.deepEqual(posted.flat(), numbers(0, 701));
  });

  it("posts what an earlier run left first", () => {
    const disk = new MemoryDisk();
    const first = opened(disk, 10);
    push(first.outbox, 3);
    const { outbox, posted } = opened(disk, 10);
    push(outbox, 2);
    assert.deepEqual(posted.flat(), ["-1:0", "-1:1", "-1:2", "0:0", "0:1"]);
  });

  it("uses the memory of batches again that it was given back", () => {
    const disk = new MemoryDisk();
    const memory: ArrayBuffer[] = [];
    const { outbox } = opened(disk, 10, hurrying(), (framed) => memory.push(framed.bytes.buffer));
    for (let round = 0; round < 20; round++) {
      push(outbox, 2);
      outbox.ack(round, memory[round]);
    }
    // The first comes from the spool, which may hold what an earlier run left.
    assert.equal(new Set(memory.slice(1)).size, 1);
  });

  it("lets the spool forget only what is acked without a gap", () => {
    const { outbox, spool } = opened(new MemoryDisk(), 10);
    for (let round = 0; round < 3; round++) push(outbox, 2);
    outbox.ack(1);
    assert.equal(spool.acked.seq, -1);
    outbox.ack(0);
    assert.equal(spool.acked.seq, 3);
    assert.equal(outbox.idle, false);
    outbox.ack(2);
    assert.equal(outbox.idle, true);
  });
});

/** A clock by which so much time passes between two looks at it that nothing is held back. */
function hurrying(): Clock {
  let now = 0;
  return { now: () => now, monotonic: () => (now += 50), sleep: () => Promise.resolve() };
}

function recordsIn({ bytes, epoch }: Framed): Batch {
  return batchIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), { cluster: "c", node: "n", epoch });
}

function unnumbered({ cluster: _, node: __, epoch: ___, seq: ____, ...draft }: RawFlow): Draft {
  return draft;
}

describe("the main thread's end of a stream", () => {
  const opened = () => {
    let acked = 0;
    const clock = new FakeClock();
    const inbox = new Inbox<number>("numbers", clock);
    const push = (records: readonly number[]) => inbox.push({ items: records }, () => acked++);
    const stop = new AbortController();
    const reader = inbox.open(stop.signal);
    const next = async () => (await reader.next()).value as Delivery<number> | undefined;
    return { inbox, push, clock, stop, next, acked: () => acked };
  };

  it("hands out batches in order, and tells of each that is acked", async () => {
    const { push, next, acked } = opened();
    push([1, 2]);
    push([3]);
    const batches = [await next(), await next()];
    assert.deepEqual(
      batches.map((batch) => batch?.items),
      [[1, 2], [3]],
    );
    assert.equal(acked(), 0);
    await batches[0]?.ack();
    assert.equal(acked(), 1);
  });

  it("waits for a batch", async () => {
    const { push, next } = opened();
    const waiting = next();
    push([1]);
    assert.deepEqual((await waiting)?.items, [1]);
  });

  it("hands a nacked batch out again after a pause", async () => {
    const { push, next, clock } = opened();
    push([1]);
    const nacked = (await next())?.nack(new Error("full"));
    const again = next();
    await clock.advance(1000);
    await nacked;
    assert.deepEqual((await again)?.items, [1]);
  });

  it("does not end while a batch may come back", async () => {
    const { inbox, push, next, clock } = opened();
    push([1]);
    const batch = await next();
    inbox.close();
    const again = next();
    await settled();
    void batch?.nack(new Error("full"));
    await clock.advance(1000);
    assert.deepEqual((await again)?.items, [1]);
  });

  it("ends when the signal aborts", async () => {
    const { stop, next } = opened();
    const waiting = next();
    stop.abort();
    assert.equal(await waiting, undefined);
  });

  it("ends after the last batch", async () => {
    const { inbox, push, next } = opened();
    push([1]);
    inbox.close();
    const last = await next();
    await last?.ack();
    assert.deepEqual([last?.items, await next()], [[1], undefined]);
  });

  it("fails after the last batch if the worker failed", async () => {
    const { inbox, push, next } = opened();
    push([1]);
    inbox.close(new Error("gone"));
    await (await next())?.ack();
    await assert.rejects(next(), { message: "gone" });
  });
});

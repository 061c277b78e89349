import assert from "node:assert/strict";
import { Inbox } from "../../collectors/inbox.ts";
import { Outbox } from "../../collectors/outbox.ts";
import { batchesInFlight } from "../../collectors/worker-protocol.ts";
import type { Delivery } from "../../core/pipeline.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

describe("the worker's end of a stream", () => {
  const opened = (limit: number) => {
    const posted: number[][] = [];
    const outbox = new Outbox<string, number>({
      limit,
      number: (_draft, seq) => seq,
      post: (records) => posted.push([...records]),
    });
    return { outbox, posted };
  };
  const drafts = (count: number) => Array.from({ length: count }, () => "draft");

  it("numbers records from 0", () => {
    const { outbox, posted } = opened(10);
    outbox.push(drafts(2));
    outbox.push(drafts(1));
    assert.deepEqual(posted, [[0, 1], [2]]);
  });

  it("posts no more batches than it has credit for", () => {
    const { outbox, posted } = opened(100);
    for (let push = 0; push < batchesInFlight + 2; push++) outbox.push(drafts(1));
    assert.equal(posted.length, batchesInFlight);
    outbox.credit();
    assert.deepEqual(posted.at(-1), [batchesInFlight, batchesInFlight + 1]);
  });

  it("drops what finds it full, without a gap in the numbers", () => {
    const { outbox, posted } = opened(3);
    for (let push = 0; push < batchesInFlight; push++) outbox.push(drafts(1));
    assert.equal(outbox.push(drafts(5)), 2);
    outbox.credit();
    assert.equal(outbox.push(drafts(1)), 0);
    outbox.credit();
    assert.deepEqual(posted.slice(batchesInFlight), [[4, 5, 6], [7]]);
  });

  it("cuts large pushes into batches", () => {
    const { outbox, posted } = opened(10_000);
    outbox.push(drafts(4_500));
    assert.deepEqual(
      posted.map(({ length }) => length),
      [2_000, 2_000, 500],
    );
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

describe("the main thread's end of a stream", () => {
  const opened = () => {
    let acked = 0;
    const clock = new FakeClock();
    const inbox = new Inbox<number>("numbers", clock, () => acked++);
    const stop = new AbortController();
    const reader = inbox.open(stop.signal);
    const next = async () => (await reader.next()).value as Delivery<number> | undefined;
    return { inbox, clock, stop, next, acked: () => acked };
  };

  it("hands out batches in order, and tells of each that is acked", async () => {
    const { inbox, next, acked } = opened();
    inbox.push([1, 2]);
    inbox.push([3]);
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
    const { inbox, next } = opened();
    const waiting = next();
    inbox.push([1]);
    assert.deepEqual((await waiting)?.items, [1]);
  });

  it("hands a nacked batch out again after a pause", async () => {
    const { inbox, next, clock } = opened();
    inbox.push([1]);
    const nacked = (await next())?.nack(new Error("full"));
    const again = next();
    await clock.advance(1000);
    await nacked;
    assert.deepEqual((await again)?.items, [1]);
  });

  it("does not end while a batch may come back", async () => {
    const { inbox, next, clock } = opened();
    inbox.push([1]);
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
    const { inbox, next } = opened();
    inbox.push([1]);
    inbox.close();
    const last = await next();
    await last?.ack();
    assert.deepEqual([last?.items, await next()], [[1], undefined]);
  });

  it("fails after the last batch if the worker failed", async () => {
    const { inbox, next } = opened();
    inbox.push([1]);
    inbox.close(new Error("gone"));
    await (await next())?.ack();
    await assert.rejects(next(), { message: "gone" });
  });
});

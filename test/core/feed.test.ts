import assert from "node:assert/strict";
import { Feed } from "../../core/feed.ts";
import { run, type Sink } from "../../core/pipeline.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

describe("core/feed", () => {
  const { signal } = new AbortController();
  const same = <T>(batch: readonly T[]) => batch;
  const feedOf = (limit?: number) => {
    const clock = new FakeClock();
    return { clock, feed: new Feed<number>({ name: "numbers", clock, ...(limit === undefined ? {} : { limit }) }) };
  };
  const storing = (
    batches: (readonly number[])[],
    fate: () => Promise<void> = () => Promise.resolve(),
  ): Sink<number> => ({
    name: "store",
    async write(batch) {
      await fate();
      batches.push(batch);
    },
  });

  it("hands out everything pushed before and after it was opened, and ends once closed and acked", async () => {
    const { feed } = feedOf();
    const batches: (readonly number[])[] = [];
    feed.push([1, 2]);
    const running = run(feed, same, storing(batches), { signal });
    await settled();
    feed.push([3]);
    feed.close();
    await running;
    assert.deepEqual(batches, [[1, 2], [3]]);
  });

  it("hands out nothing more while a delivery is not stored", async () => {
    const { feed } = feedOf();
    const batches: (readonly number[])[] = [];
    const held = Promise.withResolvers<void>();
    const running = run(
      feed,
      same,
      storing(batches, () => held.promise),
      { signal },
    );
    for (const n of [1, 2, 3]) {
      feed.push([n]);
      await settled();
    }
    held.resolve();
    feed.close();
    await running;
    assert.deepEqual(batches, [[1], [2, 3]]);
  });

  it("hands out a refused delivery again, before what came later, after a pause", async () => {
    const { feed, clock } = feedOf();
    const batches: (readonly number[])[] = [];
    let refusals = 1;
    const sink = storing(batches, () => (refusals-- > 0 ? Promise.reject(new Error("full")) : Promise.resolve()));
    feed.push([1]);
    const running = run(feed, same, sink, { signal });
    await settled();
    feed.push([2]);
    feed.close();
    await settled();
    assert.deepEqual(batches, []);
    await clock.advance(1000);
    await running;
    assert.deepEqual(batches, [[1, 2]]);
  });

  it("drops the oldest beyond its limit, and counts them", async () => {
    const { feed } = feedOf(3);
    const batches: (readonly number[])[] = [];
    feed.push([1, 2]);
    feed.push([3, 4, 5]);
    feed.close();
    await run(feed, same, storing(batches), { signal });
    assert.deepEqual(batches, [[3, 4, 5]]);
    assert.equal(feed.dropped, 2);
  });
});

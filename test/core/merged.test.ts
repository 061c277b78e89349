import assert from "node:assert/strict";
import { aborted } from "../../core/aborted.ts";
import { merged } from "../../core/merged.ts";
import { settled } from "../support/fake-clock.ts";

type Source = (signal: AbortSignal) => AsyncIterable<number>;

const counting = (...numbers: readonly number[]): Source =>
  async function* () {
    for (const number of numbers) {
      await settled();
      yield number;
    }
  };

const silent: Source = async function* (signal) {
  await aborted(signal);
  yield* [];
};

async function taken(batches: AsyncIterable<readonly number[]>): Promise<number[]> {
  const all: number[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

describe("core/merged", () => {
  it("yields all of each source, in its order, and ends with the last", async () => {
    const { signal } = new AbortController();
    const all = await taken(merged([counting(1, 3, 5), counting(), counting(2, 4)], signal));
    assert.deepEqual(
      all.filter((number) => number % 2 === 1),
      [1, 3, 5],
    );
    assert.deepEqual(all.toSorted(), [1, 2, 3, 4, 5]);
  });

  it("gives who comes late everything that waits at once", async () => {
    const batches = merged([counting(1, 2, 3), silent], new AbortController().signal);
    const first = await batches.next();
    for (let turn = 0; turn < 5; turn++) await settled();
    const second = await batches.next();
    assert.deepEqual([first.value, second.value], [[1], [2, 3]]);
    await batches.return(undefined);
  });

  it("holds sources back that nobody takes from", async () => {
    let made = 0;
    const endless: Source = async function* () {
      for (;;) yield await Promise.resolve(made++);
    };
    const batches = merged([endless], new AbortController().signal);
    await batches.next();
    for (let turn = 0; turn < 10; turn++) await settled();
    assert.ok(made < 200, `${made} were made`);
    await batches.return(undefined);
  });

  it("ends when the signal aborts, and has its sources end", async () => {
    const stop = new AbortController();
    const ending = taken(merged([silent, counting(1)], stop.signal));
    await settled();
    stop.abort();
    assert.ok((await ending).length <= 1);
  });

  it("throws what a source throws, once the others have ended", async () => {
    let isEnded = false;
    const lasting: Source = async function* (signal) {
      await aborted(signal);
      isEnded = true;
      yield* [];
    };
    const failing: Source = async function* () {
      yield 1;
      await settled();
      throw new Error("broken");
    };
    await assert.rejects(taken(merged([failing, lasting], new AbortController().signal)), /broken/);
    assert.equal(isEnded, true);
  });
});

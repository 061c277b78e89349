import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import type { Sink } from "../../core/pipeline.ts";
import { retryingInOrder } from "../../core/retrying-in-order.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

const away = new SluiceError("SINK_FAILED", "away", { retriable: true });
const bad = new SluiceError("SINK_FAILED", "bad batch");
const never = new AbortController().signal;

/** A sink that fails in this way, call by call, and then no more; what it was asked to keep, and kept. */
function flaky(failures: readonly Error[]) {
  const [asked, kept]: [string[], string[]] = [[], []];
  const sink: Sink<string> = {
    name: "flaky",
    async write(batch) {
      asked.push(batch.join(""));
      const failure = failures[asked.length - 1];
      await settled();
      if (failure !== undefined) throw failure;
      kept.push(...batch);
    },
  };
  return { sink, asked, kept };
}

describe("core/retrying-in-order", () => {
  for (const { title, failures, asked, kept, refused } of [
    { title: "keeps what was written in its order", failures: [], asked: ["a", "bc"], kept: "abc", refused: [] },
    {
      title: "lets nothing overtake what is tried again",
      failures: [away, away],
      asked: ["a", "a", "a", "bc"],
      kept: "abc",
      refused: [],
    },
    {
      title: "tries again what was gathered, whole",
      failures: [away, undefined, away] as Error[],
      asked: ["a", "a", "bc", "bc"],
      kept: "abc",
      refused: [],
    },
    {
      title: "says what was refused for good, and goes on",
      failures: [bad],
      asked: ["a", "bc"],
      kept: "bc",
      refused: ["a"],
    },
  ])
    it(title, async () => {
      const clock = new FakeClock();
      const made = flaky(failures);
      const sink = retryingInOrder(made.sink, { clock });
      const refusals: string[] = [];
      const write = (text: string) => sink.write([text], never).catch(() => void refusals.push(text));
      const first = write("a");
      await settled();
      const others = ["b", "c"].map(write);
      for (let turn = 0; turn < 10; turn++) await clock.advance(1_000);
      await Promise.all([first, ...others]);
      assert.deepEqual(made.asked, asked);
      assert.equal(made.kept.join(""), kept);
      assert.deepEqual(refusals, refused);
    });
});

import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import type { Sink } from "../../core/pipeline.ts";
import { type RetryOptions, retrying } from "../../core/retrying.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

const away = new SluiceError("SINK_FAILED", "away", { retriable: true });
const bad = new SluiceError("SINK_FAILED", "bad batch");

/** A sink that fails in this way, call by call, and then no more; and when it was called. */
function flaky(clock: FakeClock, ...failures: Error[]) {
  const calls: number[] = [];
  const sink: Sink<string> = {
    name: "flaky",
    write: () => {
      calls.push(clock.monotonic());
      const failure = failures[calls.length - 1];
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
  };
  return { sink, calls };
}

async function write(failures: Error[], options: Omit<RetryOptions, "clock"> = {}, stopAt = Number.POSITIVE_INFINITY) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const { sink, calls } = flaky(clock, ...failures);
  const wrapped = retrying(sink, { clock, firstMs: 100, maxMs: 500, ...options });
  let result: unknown = "running";
  void wrapped.write(["a"], stop.signal).then(
    () => (result = "written"),
    (thrown: unknown) => (result = thrown),
  );
  await settled();
  for (let ms = 0; ms < 5_000; ms += 50) {
    if (ms >= stopAt) stop.abort();
    await clock.advance(50);
  }
  return { calls, result };
}

describe("core/retrying", () => {
  for (const { title, failures, options, calls, result } of [
    { title: "passes a success through", failures: [], calls: [0], result: "written" },
    { title: "tries again after a retriable failure", failures: [away], calls: [0, 100], result: "written" },
    {
      title: "waits twice as long each time, up to a bound",
      failures: [away, away, away, away, away],
      calls: [0, 100, 300, 700, 1200, 1700],
      result: "written",
    },
    { title: "passes other failures through at once", failures: [bad], calls: [0], result: bad },
    { title: "stops trying when a failure is of the other kind", failures: [away, bad], calls: [0, 100], result: bad },
    {
      title: "gives up after so many tries",
      failures: [away, away, away, away],
      options: { tries: 3 },
      calls: [0, 100, 300],
      result: away,
    },
    { title: "never retries what is no SluiceError", failures: [new Error("bug")], calls: [0] },
  ] as { title: string; failures: Error[]; options?: { tries: number }; calls: number[]; result?: unknown }[])
    it(title, async () => {
      const actual = await write(failures, options);
      assert.deepEqual(actual.calls, calls);
      assert.equal(actual.result, result ?? failures[0]);
    });

  it("gives up during a pause when the signal aborts, with the last failure and without another try", async () => {
    const { calls, result } = await write([away, away, away, away], {}, 150);
    assert.deepEqual(calls, [0, 100]);
    assert.equal(result, away);
  });

  it("keeps the name of the sink", () => {
    const clock = new FakeClock();
    assert.equal(retrying(flaky(clock).sink, { clock }).name, "flaky");
  });
});

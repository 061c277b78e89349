import assert from "node:assert/strict";
import { Damping } from "../../../enforcer/tamper/damping.ts";
import { FakeClock } from "../../support/fake-clock.ts";

describe("enforcer/tamper/damping", () => {
  let [clock, told, stop]: [FakeClock, string[], AbortController] = [new FakeClock(), [], new AbortController()];
  let damping: Damping<string>;
  beforeEach(() => {
    [clock, told, stop] = [new FakeClock(), [], new AbortController()];
    damping = new Damping(clock, (item, repeats) => told.push(`${item} ${repeats}`));
    void damping.run(stop.signal);
  });
  afterEach(() => stop.abort());

  it("tells the first of each kind at once", () => {
    damping.add("x", "x1");
    damping.add("y", "y1");
    assert.deepEqual(told, ["x1 0", "y1 0"]);
  });

  it("counts the rest, and tells it once a minute", async () => {
    for (let second = 0; second < 150; second++) {
      damping.add("x", `x${second}`);
      await clock.advance(1_000);
    }
    assert.deepEqual(told, ["x0 0", "x59 59", "x119 60"]);
  });

  it("tells one at once again after a quiet minute", async () => {
    damping.add("x", "x1");
    await clock.advance(61_000);
    damping.add("x", "x2");
    assert.deepEqual(told, ["x1 0", "x2 0"]);
  });

  it("tells what was counted when it ends", async () => {
    damping.add("x", "x1");
    damping.add("x", "x2");
    stop.abort();
    await clock.advance(1_000);
    assert.deepEqual(told, ["x1 0", "x2 1"]);
  });
});

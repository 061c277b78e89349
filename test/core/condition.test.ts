import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Condition } from "../../core/condition.ts";

describe("core/condition", () => {
  it("wakes all who wait, and not those who come later", async () => {
    const condition = new Condition();
    const { signal } = new AbortController();
    const waiting = [condition.wait(signal), condition.wait(signal)];
    condition.changed();
    await Promise.all(waiting);
    const later = condition.wait(signal).then(() => "woken");
    assert.equal(await Promise.race([later, Promise.resolve("asleep")]), "asleep");
  });

  it("wakes who waits when the signal aborts, and at once when it has", async () => {
    const condition = new Condition();
    const stop = new AbortController();
    const waiting = condition.wait(stop.signal);
    stop.abort();
    await waiting;
    await condition.wait(stop.signal);
  });

  it("leaves no listener behind", async () => {
    const condition = new Condition();
    const { signal } = new AbortController();
    const waiting = condition.wait(signal);
    condition.changed();
    await waiting;
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });
});

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { isoTime, parseTime, systemClock } from "../../core/clock.ts";

describe("core/clock", () => {
  it("sleeps at least as long as it is told to", async () => {
    const since = systemClock.monotonic();
    await systemClock.sleep(20);
    assert.ok(systemClock.monotonic() - since >= 19);
  });

  it("wakes at once when the signal aborts, and leaves no listener behind", async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, stop.signal);
    stop.abort();
    await sleeping;
    await systemClock.sleep(60_000, stop.signal);
    assert.equal(getEventListeners(stop.signal, "abort").length, 0);
  });

  for (const { text, ms } of [
    { text: "2026-11-23T10:00:00.123Z", ms: 1_795_428_000_123 },
    { text: "2026-11-23T10:00:00Z", ms: 1_795_428_000_000 },
    { text: "2026-11-23T11:00:00.123456789+01:00", ms: 1_795_428_000_123 },
  ])
    it(`reads ${text}`, () => assert.equal(parseTime(text), ms));

  for (const text of ["", "yesterday", "2026-13-01T00:00:00Z", "1", "Nov 23 2026", "2026-11-23"])
    it(`does not take ${JSON.stringify(text)} for a time`, () => assert.equal(parseTime(text), undefined));

  it("writes what it reads", () => assert.equal(isoTime(1_795_428_000_123), "2026-11-23T10:00:00.123Z"));
});

import assert from "node:assert/strict";
import type { Address } from "../../core/address.ts";
import { type Arrival, Arrivals } from "../../enforcer/arrivals.ts";

const set = (...addresses: string[]) => new Set(addresses as Address[]);
const waits = (arrived: readonly Arrival[]) => arrived.map(({ address, waitedMs }) => `${address} ${waitedMs}`);

describe("arrivals of pods", () => {
  it("are told from when the interface is there until it and the pod are in force", () => {
    const arrivals = new Arrivals();
    arrivals.see(set("a"), set("a"), 0);
    assert.deepEqual(arrivals.enforced(set("a"), set("a"), 5), [], "what was there before did not arrive");
    arrivals.see(set("a", "b"), set("a"), 100);
    assert.deepEqual(arrivals.enforced(set("a", "b"), set("a"), 110), [], "its interface is not known yet");
    arrivals.see(set("a", "b"), set("a", "b"), 120);
    assert.deepEqual(waits(arrivals.enforced(set("a", "b"), set("a", "b"), 125)), ["b 5"]);
    arrivals.see(set("a", "b"), set("a", "b"), 130);
    assert.deepEqual(arrivals.enforced(set("a", "b"), set("a", "b"), 131), [], "once only");
  });

  it("are new again after the address was given up", () => {
    const arrivals = new Arrivals();
    arrivals.enforced(set(), set(), 0);
    arrivals.see(set("a"), set("a"), 10);
    assert.deepEqual(waits(arrivals.enforced(set("a"), set("a"), 12)), ["a 2"]);
    arrivals.see(set(), set(), 20);
    arrivals.see(set(), set("a"), 30);
    assert.deepEqual(arrivals.enforced(set(), set("a"), 31), []);
    arrivals.see(set("a"), set("a"), 37);
    assert.deepEqual(waits(arrivals.enforced(set("a"), set("a"), 40)), ["a 10"]);
  });
});

import assert from "node:assert/strict";
import { Breaker } from "../../../../sinks/elasticsearch/bulk/breaker.ts";

describe("the circuit breaker", () => {
  it("opens after three failures in a row, and waits twice as long after each further one, up to 30 s", () => {
    const breaker = new Breaker();
    const pauses: number[] = [];
    let now = 1_000;
    const states: string[] = [];
    for (let turn = 0; turn < 10; turn++) {
      breaker.sent();
      breaker.failed(now);
      states.push(breaker.circuit);
      pauses.push(breaker.resumeAt - now);
      now = breaker.resumeAt;
    }
    assert.deepEqual(pauses, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    assert.deepEqual(states.slice(0, 4), ["closed", "closed", "open", "open"]);
  });

  it("probes once the pause is over, and closes with the first answer", () => {
    const breaker = new Breaker();
    for (const now of [0, 1_000, 2_000]) breaker.failed(now);
    assert.equal(breaker.circuit, "open");
    breaker.sent();
    assert.equal(breaker.circuit, "probing");
    breaker.answered();
    assert.deepEqual([breaker.circuit, breaker.resumeAt], ["closed", 0]);
  });

  it("counts failures of requests that were at work together once", () => {
    const breaker = new Breaker();
    for (let turn = 0; turn < 8; turn++) breaker.failed(5_000);
    assert.equal(breaker.circuit, "closed");
    assert.equal(breaker.resumeAt, 5_200);
  });

  it("begins to count afresh after an answer", () => {
    const breaker = new Breaker();
    breaker.failed(0);
    breaker.failed(1_000);
    breaker.answered();
    breaker.failed(2_000);
    assert.equal(breaker.circuit, "closed");
  });
});

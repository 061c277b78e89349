import assert from "node:assert/strict";
import { Concurrency } from "../../../../sinks/elasticsearch/bulk/concurrency.ts";

/** A server that works on `cores` requests at once, each 100 ms; others wait. */
function limitAt(cores: number, most: number, rounds = 500): number {
  const concurrency = new Concurrency(most);
  for (let round = 0; round < rounds; round++) {
    const active = concurrency.limit;
    concurrency.answered({ ms: 100 * Math.max(1, active / cores), documents: 1000, active });
  }
  return concurrency.limit;
}

describe("how many bulk requests are at work at once", () => {
  for (const cores of [1, 2, 4, 8])
    it(`is one to three more than the ${cores} that the server works on`, () => {
      const limit = limitAt(cores, 64);
      assert.ok(limit > cores && limit <= cores + 4, String(limit));
    });

  it("is never more than is allowed, and one at least", () => {
    assert.equal(limitAt(8, 3), 3);
    const concurrency = new Concurrency(8);
    for (let turn = 0; turn < 5; turn++) concurrency.pushedBack();
    assert.equal(concurrency.limit, 1);
  });

  it("stays when it is not used up", () => {
    const concurrency = new Concurrency(8);
    for (let turn = 0; turn < 50; turn++) concurrency.answered({ ms: 100, documents: 1000, active: 1 });
    assert.equal(concurrency.limit, 2);
  });

  it("is half as many when the server turns one away, and grows again", () => {
    const concurrency = new Concurrency(8);
    for (let turn = 0; turn < 100; turn++)
      concurrency.answered({ ms: 100, documents: 1000, active: concurrency.limit });
    assert.equal(concurrency.limit, 8);
    concurrency.pushedBack();
    assert.equal(concurrency.limit, 4);
    for (let turn = 0; turn < 100; turn++)
      concurrency.answered({ ms: 100, documents: 1000, active: concurrency.limit });
    assert.equal(concurrency.limit, 8);
  });

  it("follows a server that has become slower", () => {
    const concurrency = new Concurrency(16);
    const serve = (cores: number) => {
      for (let turn = 0; turn < 500; turn++)
        concurrency.answered({
          ms: 100 * Math.max(1, concurrency.limit / cores),
          documents: 1000,
          active: concurrency.limit,
        });
      return concurrency.limit;
    };
    assert.ok(serve(12) > 12);
    assert.ok(serve(2) <= 6);
  });
});

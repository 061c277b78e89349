import assert from "node:assert/strict";
import fc from "fast-check";
import { SeenIds } from "../../../sinks/archive/seen-ids.ts";

describe("SeenIds", () => {
  it("knows what a set would know, and holds neighbours as one", () => {
    const numbers = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 80 });
    fc.assert(
      fc.property(numbers, (added) => {
        const [seen, set] = [new SeenIds(), new Set<number>()];
        for (const number of added) {
          assert.equal(seen.add("n", 1, number), !set.has(number));
          set.add(number);
        }
        assert.equal(seen.size, [...set].filter((number) => !set.has(number - 1)).length);
      }),
    );
  });

  it("keeps nodes and epochs apart", () => {
    const seen = new SeenIds();
    assert.deepEqual(
      [seen.add("a", 1, 0), seen.add("b", 1, 0), seen.add("a", 2, 0), seen.add("a", 1, 0)],
      [true, true, true, false],
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { TextNumbers } from "../../../sinks/archive/text-numbers.ts";

describe("TextNumbers", () => {
  const texts = fc.array(fc.option(fc.constantFrom("", "a", "b", "ab", "-", "null"), { nil: null }), { maxLength: 4 });

  it("numbers equal lists alike and others apart, in the order in which they come", () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 60 }), (lists) => {
        const numbers = new TextNumbers();
        const known = new Map<string, number>();
        for (const list of lists) {
          const key = JSON.stringify(list);
          const fresh: number[] = [];
          const number = numbers.numberOf(list, (made) => void fresh.push(made));
          assert.deepEqual(fresh, known.has(key) ? [] : [known.size + 1]);
          assert.equal(number, known.get(key) ?? known.size + 1);
          known.set(key, number);
        }
        assert.equal(numbers.size, known.size);
      }),
    );
  });

  it("holds many", () => {
    const numbers = new TextNumbers();
    const all = Array.from({ length: 20_000 }, (_, at) => [`${at % 7}`, `${at}`]);
    for (const list of all) numbers.numberOf(list, () => {});
    assert.deepEqual(
      all.map((list) => numbers.numberOf(list, () => assert.fail("new again"))),
      all.map((_, at) => at + 1),
    );
  });

  it("has a list still to come after taking note of it failed", () => {
    const numbers = new TextNumbers();
    const failing = () => {
      throw new Error("no");
    };
    assert.throws(() => numbers.numberOf(["a"], failing), /no/);
    assert.equal(
      numbers.numberOf(["b"], () => {}),
      1,
    );
    assert.equal(
      numbers.numberOf(["a"], () => {}),
      2,
    );
  });
});

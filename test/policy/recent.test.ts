import assert from "node:assert/strict";
import fc from "fast-check";
import { Recent } from "../../policy/recent.ts";

const number = fc.integer({ min: 1, max: 3 });
const question = fc.tuple(number, number, number, number);

describe("the last answers", () => {
  it("are those that were kept to the same question, or forgotten", () => {
    fc.assert(
      fc.property(fc.array(question, { maxLength: 200 }), fc.constantFrom(1, 4, 10), (questions, bits) => {
        const [recent, told] = [new Recent<string>(bits), new Set<string>()];
        for (const one of questions) {
          const found = recent.find(...one);
          assert.ok(found === undefined || (found === one.join() && told.has(found)), `${one}: ${found}`);
          if (found === undefined) recent.keep(...one, one.join());
          told.add(one.join());
          assert.equal(recent.find(...one), one.join());
        }
      }),
    );
  });

  it("are all there while they are few", () => {
    const recent = new Recent<number>(12);
    for (let who = 1; who <= 50; who++) recent.keep(who, 1, 1, 0, who);
    const found = Array.from({ length: 50 }, (_, index) => recent.find(index + 1, 1, 1, 0));
    assert.ok(found.filter((answer) => answer !== undefined).length > 40, String(found));
  });
});

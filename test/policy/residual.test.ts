import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSelector } from "../../policy/selector/parse.ts";
import { residual } from "../../policy/selector/residual.ts";
import { canonical, matches, type Selector } from "../../policy/selector/syntax.ts";

const label = fc.constantFrom("a", "b", "c");
const value = fc.constantFrom("x", "y");
const { selector: arbitrarySelector } = fc.letrec<{ selector: Selector }>((tie) => ({
  selector: fc.oneof(
    { depthSize: "small" },
    fc.record({ op: fc.constantFrom("==" as const, "!=" as const, "contains" as const), label, value }),
    fc.record({ op: fc.constant("has" as const), label }),
    fc.record({ op: fc.constantFrom("in" as const, "not in" as const), label, values: fc.array(value) }),
    fc.record({ op: fc.constant("not" as const), term: tie("selector") }),
    fc.record({
      op: fc.constantFrom("and" as const, "or" as const),
      terms: fc.array(tie("selector"), { minLength: 1, maxLength: 3 }),
    }),
  ),
}));
const labels = fc.dictionary(label, value, { noNullPrototype: true });

const cases: readonly { selector: string; left: string }[] = [
  { selector: 'a == "x" && own == "1"', left: 'own == "1"' },
  { selector: 'a == "y" && own == "1"', left: "false" },
  { selector: 'a == "x" || own == "1"', left: "true" },
  { selector: 'a == "y" || own == "1"', left: 'own == "1"' },
  { selector: '!(a == "x" && own == "1")', left: '!own == "1"' },
  { selector: '(a == "x" && own == "1") || (a == "y" && own == "2")', left: 'own == "1"' },
  { selector: "has(gone)", left: "false" },
];

describe("policy/selector/residual", () => {
  for (const { selector, left } of cases)
    it(`of ${selector} is ${left}, where a is x and only own is not known`, () => {
      const found = residual(parseSelector(selector), { labels: { a: "x" }, isLost: (name) => name === "own" });
      assert.equal(typeof found === "boolean" ? String(found) : canonical(found), left);
    });

  it("decides about any labels as the selector does, and asks of those that are not known only", () => {
    fc.assert(
      fc.property(arbitrarySelector, labels, fc.subarray(["a", "b", "c"]), (selector, all, lost) => {
        const known = Object.fromEntries(Object.entries(all).filter(([name]) => !lost.includes(name)));
        const left = residual(selector, { labels: known, isLost: (name) => lost.includes(name) });
        assert.equal(typeof left === "boolean" ? left : matches(left, all), matches(selector, all));
        if (lost.length === 0) assert.equal(typeof left, "boolean");
      }),
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { diffOf, type Json, patched } from "../../controls/log/json-diff.ts";
import { canonicalJson } from "../../policy/hash.ts";

const cases: readonly { title: string; before: Json; after: Json; diff: readonly string[] }[] = [
  { title: "nothing", before: { a: 1 }, after: { a: 1 }, diff: [] },
  { title: "a field", before: { a: 1 }, after: { a: 2 }, diff: ["/a 1 2"] },
  { title: "a field more", before: {}, after: { a: { b: 1 } }, diff: ['/a - {"b":1}'] },
  { title: "a field less", before: { a: null, b: 1 }, after: { b: 1 }, diff: ["/a null -"] },
  { title: "a field that becomes null", before: { a: 1 }, after: { a: null }, diff: ["/a 1 null"] },
  { title: "names with slashes", before: { "a/b~c": 1 }, after: { "a/b~c": 2 }, diff: ["/a~1b~0c 1 2"] },
  { title: "a field deep within", before: { a: [{ b: 1 }] }, after: { a: [{ b: 2 }] }, diff: ["/a/0/b 1 2"] },
  { title: "an element before others", before: [1, 2], after: [0, 1, 2], diff: ["/0 - 0"] },
  { title: "an element behind", before: [1], after: [1, 2, 3], diff: ["/1 - 2", "/2 - 3"] },
  { title: "elements amid others that go", before: [1, 2, 3, 4], after: [1, 4], diff: ["/1 2 -", "/1 3 -"] },
  { title: "another type", before: { a: [1] }, after: { a: { b: 1 } }, diff: ['/a [1] {"b":1}'] },
  { title: "the whole", before: 1, after: [], diff: [" 1 []"] },
];

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

describe("controls/log/json-diff", () => {
  for (const { title, before, after, diff } of cases)
    it(`tells of ${title}`, () => {
      const told = diffOf(before, after).map(({ path, before, after }) => `${path} ${before ?? "-"} ${after ?? "-"}`);
      assert.deepEqual(told, diff);
    });

  it("makes the one of the other, whatever they are", () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        assert.equal(canonicalJson(patched(before, diffOf(before, after))), canonicalJson(after));
      }),
    );
  });

  it("is empty exactly for equal values", () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        assert.equal(diffOf(before, after).length === 0, canonicalJson(before) === canonicalJson(after));
        assert.deepEqual(diffOf(after, structuredClone(after)), []);
      }),
    );
  });
});

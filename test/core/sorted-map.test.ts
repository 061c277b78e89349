import assert from "node:assert/strict";
import fc from "fast-check";
import { SortedMap } from "../../core/sorted-map.ts";

const batch = fc.array(fc.tuple(fc.nat(400).map(String), fc.option(fc.nat(3), { nil: undefined })), { maxLength: 300 });

describe("a sorted map", () => {
  it("is what a Map would be, in order of the keys, whatever was done before", () => {
    const property = fc.property(fc.array(batch, { maxLength: 8 }), (batches) => {
      const expected = new Map<string, number>();
      let map = SortedMap.empty<string, number>();
      for (const changes of batches) {
        for (const [key, value] of changes)
          if (value === undefined) expected.delete(key);
          else expected.set(key, value);
        map = map.with(new Map(changes));
        assert.deepEqual([...map], [...expected].sort());
        assert.equal(map.size, expected.size);
        for (const key of ["", "0", "17", "400", "x"]) assert.equal(map.get(key), expected.get(key));
        assert.equal(map.has("17"), expected.has("17"));
      }
    });
    fc.assert(property, { numRuns: 100 });
  }).timeout(10_000);

  it("stays what it was when another is made of it", () => {
    const older = SortedMap.empty<string, number>().with(new Map([["a", 1]]));
    const newer = older.with(
      new Map<string, number | undefined>([
        ["a", undefined],
        ["b", 2],
      ]),
    );
    assert.deepEqual([[...older], [...newer]], [[["a", 1]], [["b", 2]]]);
  });

  it("tells key by key how it differs from another, whether or not one was made of the other", () => {
    const property = fc.property(batch, batch, batch, (first, second, other) => {
      const older = SortedMap.empty<string, number>().with(new Map(first));
      for (const newer of [older.with(new Map(second)), SortedMap.empty<string, number>().with(new Map(other))]) {
        const keys = [...new Set([...older.keys(), ...newer.keys()])].sort();
        const expected = keys
          .map((key) => ({ key, before: older.get(key), after: newer.get(key) }))
          .filter(({ before, after }) => before !== after);
        assert.deepEqual([...newer.differences(older)], expected);
      }
    });
    fc.assert(property, { numRuns: 300 });
  }).timeout(10_000);

  it("is itself where nothing changes", () => {
    const map = SortedMap.empty<string, number>().with(new Map([["a", 1]]));
    assert.equal(
      map.with(
        new Map<string, number | undefined>([
          ["a", 1],
          ["b", undefined],
        ]),
      ),
      map,
    );
  });
});

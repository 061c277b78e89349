import assert from "node:assert/strict";
import fc from "fast-check";
import { Multimap } from "../../core/multimap.ts";

describe("a multimap", () => {
  it("is what a Map of Sets would be, without the empty ones", () => {
    const step = fc.record({ add: fc.boolean(), key: fc.constantFrom("a", "b"), value: fc.nat(3) });
    const property = fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
      const [expected, multimap] = [new Map<string, Set<number>>(), new Multimap<string, number>()];
      for (const { add, key, value } of steps) {
        const set = expected.get(key) ?? new Set();
        if (add) set.add(value);
        else set.delete(value);
        expected.set(key, set);
        multimap[add ? "add" : "delete"](key, value);
      }
      for (const key of ["a", "b"]) {
        const values = [...(expected.get(key) ?? [])].sort();
        assert.deepEqual([...multimap.get(key)].sort(), values);
        assert.deepEqual([multimap.count(key), multimap.has(key)], [values.length, values.length > 0]);
      }
      const present = [...expected].filter(([, set]) => set.size > 0);
      assert.deepEqual([...multimap.keys()].sort(), present.map(([key]) => key).sort());
      assert.equal(multimap.size, present.length);
      assert.deepEqual([...multimap.values()].sort(), present.flatMap(([, set]) => [...set]).sort());
    });
    fc.assert(property);
  });
});

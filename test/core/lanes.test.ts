import assert from "node:assert/strict";
import fc from "fast-check";
import { Lanes, type Taken } from "../../core/lanes.ts";

describe("core/lanes", () => {
  it("takes from lanes in turn", () => {
    const lanes = new Lanes<string>();
    for (const item of ["a1", "a2", "b1"]) lanes.add(item.charAt(0), item);
    const first = lanes.take(1);
    assert.deepEqual(first.items, ["a1"]);
    first.done();
    assert.deepEqual(lanes.take(2).items, ["b1", "a2"]);
  });

  it("takes nothing when nothing is ready", () => {
    assert.deepEqual(new Lanes().take(10).items, []);
  });

  it("counts what waits and what is taken", () => {
    const lanes = new Lanes<number>();
    for (const n of [1, 2, 3]) lanes.add("a", n);
    const taken = lanes.take(2);
    assert.equal(lanes.size, 3);
    taken.done();
    taken.done();
    assert.equal(lanes.size, 1);
  });

  it("loses nothing, doubles nothing and keeps the order of each key, whatever is done with it", () => {
    const step = fc.oneof(
      fc.record({ add: fc.constantFrom("a", "b", "c") }),
      fc.record({ take: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ settle: fc.nat(5), how: fc.constantFrom("done", "again") }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lanes = new Lanes<{ key: string; n: number }>();
        const added = new Map<string, number>();
        const done = new Map<string, number>();
        const open: Taken<{ key: string; n: number }>[] = [];
        const finish = (taken: (typeof open)[0]) => {
          for (const { key, n } of taken.items) {
            assert.equal(n, done.get(key) ?? 0, "the next of its key");
            done.set(key, n + 1);
          }
          taken.done();
        };
        for (const each of steps) {
          if ("add" in each) {
            const n = added.get(each.add) ?? 0;
            lanes.add(each.add, { key: each.add, n });
            added.set(each.add, n + 1);
          } else if ("take" in each) open.push(lanes.take(each.take));
          else {
            const [taken] = open.splice(each.settle % Math.max(1, open.length), 1);
            if (taken !== undefined) each.how === "done" ? finish(taken) : taken.again();
          }
        }
        for (const taken of open) finish(taken);
        for (let rest = lanes.take(3); rest.items.length > 0; rest = lanes.take(3)) finish(rest);
        assert.deepEqual(done, new Map([...done].map(([key]) => [key, added.get(key)])));
        assert.equal(lanes.size, 0);
        assert.deepEqual([...done.keys()].sort(), [...added.keys()].sort());
      }),
    );
  });
});

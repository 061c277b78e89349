import assert from "node:assert/strict";
import { Turns } from "../../../collectors/audit/turns.ts";

describe("whoever waits for a turn", () => {
  const order: string[] = [];
  const works = new Map<string, () => void>();
  const work = (name: string) => () => {
    order.push(name);
    return new Promise<string>((resolve) => works.set(name, () => resolve(name)));
  };

  it("has it in order, or is turned away where too many wait", async () => {
    const turns = new Turns({ atOnce: 1, waiting: 2 });
    const all = ["a", "b", "c", "d"].map((name) => turns.take(work(name)));
    assert.equal(await all[3], undefined);
    for (const [index, name] of ["a", "b", "c"].entries()) {
      assert.deepEqual(order, ["a", "b", "c"].slice(0, index + 1));
      works.get(name)?.();
      assert.equal(await all[index], name);
      await new Promise(setImmediate);
    }
  });

  it("has it also after one that failed", async () => {
    const turns = new Turns({ atOnce: 1, waiting: 1 });
    await assert.rejects(turns.take(() => Promise.reject(new Error("no"))));
    assert.equal(await turns.take(() => Promise.resolve("yes")), "yes");
  });
});

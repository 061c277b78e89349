import assert from "node:assert/strict";
import type { Sink } from "../../core/pipeline.ts";
import { tee } from "../../core/tee.ts";
import { settled } from "../support/fake-clock.ts";

describe("core/tee", () => {
  const { signal } = new AbortController();
  const noting = (name: string, diary: string[], end: Promise<void> = Promise.resolve()): Sink<number> => ({
    name,
    write([n]) {
      diary.push(`${name} ${n}`);
      return end;
    },
  });

  it("begins its writes in the order of the sinks, and the second does not hold up the first", async () => {
    const diary: string[] = [];
    const held = Promise.withResolvers<void>();
    const both = tee(noting("live", diary), noting("archive", diary, held.promise));
    const writes = [both.write([1], signal), both.write([2], signal)];
    assert.deepEqual(diary, ["live 1", "archive 1", "live 2", "archive 2"]);
    held.resolve();
    await Promise.all(writes);
  });

  it("is done when all of them are", async () => {
    const held = Promise.withResolvers<void>();
    let done = false;
    const writing = tee(noting("live", []), noting("archive", [], held.promise))
      .write([1], signal)
      .then(() => {
        done = true;
      });
    await settled();
    assert.equal(done, false);
    held.resolve();
    await writing;
  });

  it("lets the others finish when one fails, and throws what the first of them threw", async () => {
    const diary: string[] = [];
    const broken: Sink<number> = {
      name: "broken",
      write: () => {
        throw new Error("gone");
      },
    };
    await assert.rejects(tee(broken, noting("archive", diary)).write([1], signal), /gone/);
    assert.deepEqual(diary, ["archive 1"]);
  });
});

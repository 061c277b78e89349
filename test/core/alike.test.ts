import assert from "node:assert/strict";
import { Alike } from "../../core/alike.ts";

const fresh = (text: string) => ({ text });

describe("values that are alike", () => {
  it("come as the object that came first", () => {
    const alike = new Alike<{ readonly text: string }>();
    const first = alike.of("a", fresh("a"));
    assert.equal(alike.of("a", fresh("a")), first);
    assert.notEqual(alike.of("b", fresh("b")), first);
  });

  it("are known for as many others as it was told to remember, however they take turns", () => {
    const alike = new Alike<{ readonly text: string }>(10);
    const texts = Array.from({ length: 10 }, (_, turn) => String(turn));
    const first = texts.map((text) => alike.of(text, fresh(text)));
    for (let round = 0; round < 5; round++)
      assert.deepEqual(
        texts.map((text, at) => alike.of(text, fresh(text)) === first[at]),
        texts.map(() => true),
      );
  });

  it("are forgotten after twice as many", () => {
    const alike = new Alike<{ readonly text: string }>(10);
    const first = alike.of("a", fresh("a"));
    for (let turn = 0; turn < 20; turn++) alike.of(String(turn), fresh(String(turn)));
    assert.notEqual(alike.of("a", fresh("a")), first);
  });
});

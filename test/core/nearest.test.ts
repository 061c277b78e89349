import assert from "node:assert/strict";
import { nearest } from "../../core/nearest.ts";

describe("core/nearest", () => {
  const words = ["demo", "trace", "version", "up"];
  for (const { text, expected } of [
    { text: "demo", expected: "demo" },
    { text: "dmeo", expected: "demo" },
    { text: "TRACE", expected: "trace" },
    { text: "vresion", expected: "version" },
    { text: "versions", expected: "version" },
    { text: "quarantine", expected: undefined },
  ])
    it(`finds ${expected ?? "nothing"} for ${text}`, () => assert.equal(nearest(text, words), expected));

  it("finds nothing among no words", () => assert.equal(nearest("a", []), undefined));
});

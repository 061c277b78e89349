import assert from "node:assert/strict";
import type { Element } from "../../enforcer/element.ts";
import { elementCounts, partsOf } from "../../enforcer/load-parts.ts";
import { type Name, nameOf, type Transaction } from "../../enforcer/ruleset.ts";

const elements = (count: number) => Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 255}` as Element);
const fill = (set: string, count: number) =>
  ({ verb: "add-elements", set: nameOf(set), elements: elements(count) }) as const;
const load: Transaction = [
  ...([{ verb: "add-table" }, { verb: "delete-table" }, { verb: "add-table" }] as const),
  ...["a", "b"].map(
    (name) => ({ verb: "add-set", set: { name: name as Name, type: ["ipv4_addr"], flag: null } }) as const,
  ),
  ...Array.from({ length: 9 }, () => fill("a", 900)),
  fill("b", 6_000),
  fill("b", 1),
];

describe("the parts of a load", () => {
  it("are all of its commands, in order", () => {
    assert.deepEqual([...partsOf(load)].flat(), load);
  });

  it("are several, of which none is much larger than the others unless one command is", () => {
    const sizes = [...partsOf(load)].map((part) =>
      part.reduce((sum, command) => sum + ("elements" in command ? command.elements.length : 0), 0),
    );
    assert.deepEqual(sizes, [5_400, 8_700, 1]);
  });

  it("are one where there is little, or nothing", () => {
    assert.deepEqual([[...partsOf(load.slice(0, 6))].length, [...partsOf([])].length], [1, 1]);
  });

  it("are told how many elements each set begins with", () => {
    assert.deepEqual(
      [...elementCounts(load)],
      [
        ["a", 8_100],
        ["b", 6_001],
      ],
    );
  });
});

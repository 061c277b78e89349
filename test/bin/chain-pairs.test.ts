import assert from "node:assert/strict";
import { withPairs } from "../../bin/chain-pairs.ts";
import type { ListingDifference } from "../../enforcer/listing-diff.ts";

const hash = (digit: string) => digit.repeat(16);
const difference = (what: "missing" | "foreign", key: string, ...rules: readonly string[]): ListingDifference => ({
  key,
  what,
  header: null,
  lines: rules.map((words, at) => ({ sign: what === "missing" ? "+" : "-", words, at })),
});

describe("bin/chain-pairs", () => {
  const old = difference("foreign", `chain block_${hash("a")}`, "tcp dport 80 accept", "udp dport 53 accept");
  const now = difference("missing", `chain block_${hash("b")}`, "tcp dport 81 accept", "udp dport 53 accept");

  it("tells a chain that comes in the place of another as one that changed, by what differs", () => {
    const [told, ...more] = withPairs([old, now]);
    assert.deepEqual(
      [told?.key, told?.what, told?.insteadOf, more.length],
      [now.key, "changed", `block_${hash("a")}`, 0],
    );
    assert.deepEqual(told?.lines, [
      { sign: "-", words: "tcp dport 80 accept", at: 0 },
      { sign: "+", words: "tcp dport 81 accept", at: 0 },
    ]);
  });

  for (const [title, other] of [
    ["of another kind", difference("foreign", `chain stage_${hash("a")}`, "udp dport 53 accept")],
    ["that has nothing in common", difference("foreign", `chain block_${hash("c")}`, "drop")],
    ["that is no chain", difference("foreign", "set pods4", "udp dport 53 accept")],
  ] as const)
    it(`leaves one ${title} alone`, () => {
      assert.deepEqual(
        withPairs([other, now]).map(({ key, what, insteadOf }) => [key, what, insteadOf]),
        [
          [other.key, "foreign", null],
          [now.key, "missing", null],
        ],
      );
    });

  it("takes a chain that only leads to another name for the same, and each chain once", () => {
    const stage = (digit: string, what: "missing" | "foreign") =>
      difference(what, `chain stage_${hash(digit)}`, `jump block_${hash(digit)}`);
    const told = withPairs([stage("a", "foreign"), stage("b", "missing"), stage("c", "missing")]);
    assert.deepEqual(
      told.map(({ key, what }) => [key.slice(-1), what]),
      [
        ["b", "changed"],
        ["c", "missing"],
      ],
    );
  });
});

import assert from "node:assert/strict";
import { type Condition, conditionsToWrite, type TimedCondition } from "../../controls/conditions.ts";
import { parseTime } from "../../core/clock.ts";

const now = parseTime("2026-11-30T12:00:00.789Z") as number;
const is = (status: Condition["status"], message = "m"): Condition => ({ type: "A", status, reason: "R", message });
const since = (condition: Condition, lastTransitionTime: string): TimedCondition => ({
  ...condition,
  lastTransitionTime,
});
const earlier = "2026-01-01T00:00:00Z";
const atNow = "2026-11-30T12:00:00Z";

describe("conditions", () => {
  for (const { title, written, wanted, expected } of [
    {
      title: "are written where none are, with the time",
      written: [],
      wanted: is("True"),
      expected: since(is("True"), atNow),
    },
    {
      title: "are left alone where they stand already",
      written: [since(is("True"), earlier)],
      wanted: is("True"),
      expected: undefined,
    },
    {
      title: "keep their time when only the words change",
      written: [since(is("True"), earlier)],
      wanted: is("True", "other"),
      expected: since(is("True", "other"), earlier),
    },
    {
      title: "take the time when they turn",
      written: [since(is("True"), earlier)],
      wanted: is("False"),
      expected: since(is("False"), atNow),
    },
    {
      title: "that nobody says any more go",
      written: [since(is("True"), earlier), { ...since(is("True"), earlier), type: "B" }],
      wanted: is("True"),
      expected: since(is("True"), earlier),
    },
    {
      title: "are cut where the schema would refuse them",
      written: [],
      wanted: is("True", "x".repeat(40_000)),
      expected: since(is("True", "x".repeat(32_768)), atNow),
    },
  ])
    it(title, () => {
      const next = conditionsToWrite(written, [wanted], now);
      assert.deepEqual(next, expected && [expected]);
    });
});

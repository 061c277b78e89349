import assert from "node:assert/strict";
import { accountOf, isBalanced, type LostSpan, ledgerText, type Made, type Told } from "./ledger.ts";

const second = 1_000_000;
const made = (sourcePort: number, at = 100): Made => ({
  node: "a",
  sourcePort,
  destinationPort: 80,
  at: at * second,
  packets: 2,
});
const told = (sourcePort: number, seq: number, packets: number, node = "a"): Told => ({
  ...{ node, epoch: 1, seq, sourcePort, destinationPort: 80, packets },
});
const span = (start: number, end: number, node = "a"): LostSpan => ({ node, start: start * second, end: end * second });

const cases: readonly {
  readonly title: string;
  readonly told: readonly Told[];
  readonly losses?: readonly LostSpan[];
  readonly is: "once" | "lost" | "twice" | "missing";
}[] = [
  { title: "told in one record", told: [told(1, 0, 2)], is: "once" },
  { title: "told in two windows", told: [told(1, 0, 1), told(1, 1, 1)], is: "once" },
  { title: "told by nobody", told: [], is: "missing" },
  { title: "told by another node", told: [told(1, 0, 2, "b")], is: "missing" },
  { title: "told of another connection", told: [told(2, 0, 2)], is: "missing" },
  { title: "told in part", told: [told(1, 0, 1)], is: "missing" },
  { title: "lost, and said so", told: [], losses: [span(90, 110)], is: "lost" },
  { title: "lost, and another time said so", told: [], losses: [span(10, 90)], is: "missing" },
  { title: "lost, and another node said so", told: [], losses: [span(90, 110, "b")], is: "missing" },
  { title: "counted twice", told: [told(1, 0, 2), told(1, 1, 1)], is: "twice" },
];

describe("test/chaos/ledger", () => {
  for (const { title, told: records, losses = [], is } of cases)
    it(`a connection ${title}: ${is}`, () => {
      const account = accountOf({ node: "a", store: "archive" }, [made(1)], records, losses);
      const { once, lost, twice, missing } = account;
      const found = { once, lost, twice: twice.length, missing: missing.length };
      assert.deepEqual(found, { once: 0, lost: 0, twice: 0, missing: 0, [is]: 1 });
      assert.equal(isBalanced(account), is === "once" || is === "lost");
    });

  it("a record that is there twice counts once, and is told", () => {
    const account = accountOf({ node: "a", store: "archive" }, [made(1)], [told(1, 0, 2), told(1, 0, 2)], []);
    assert.deepEqual([account.once, account.repeated, isBalanced(account)], [1, 1, false]);
  });

  it("prints a row for each node and store", () => {
    const account = accountOf({ node: "a", store: "archive" }, [made(1), made(2)], [told(1, 0, 2)], []);
    assert.equal(
      ledgerText([account]),
      [
        "NODE  STORE    MADE  ONCE  LOST, TOLD  TWICE  MISSING  REPEATED",
        "a     archive     2     1           0      0        1         0",
      ].join("\n"),
    );
  });
});

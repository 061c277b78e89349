import assert from "node:assert/strict";
import {
  type BreakGlass,
  faultOfBreakGlass,
  isOpenOn,
  partedAt,
  withBreakGlass,
  withoutBreakGlass,
} from "../../enforcer/break-glass.ts";

const hour = 3_600_000;
const one = (parts: Partial<BreakGlass> = {}): BreakGlass => ({
  reason: "the API server is locked out",
  node: null,
  from: 0,
  until: hour,
  by: "root",
  ...parts,
});

describe("break-glass", () => {
  for (const { title, parts, fault } of [
    { title: "what is well founded and not too long", parts: {}, fault: undefined },
    {
      title: "no reason of less than 8 characters",
      parts: { reason: "  help  " },
      fault: /4 characters; say why in at least 8/,
    },
    { title: "no reason of more than 500", parts: { reason: "x".repeat(501) }, fault: /more than 500/ },
    {
      title: "no reason that moves a cursor",
      parts: { reason: "because \u001b[2J of that" },
      fault: /control characters/,
    },
    { title: "nothing that ends before it begins", parts: { until: -1 }, fault: /end before it begins/ },
    {
      title: "nothing longer than the longest",
      parts: { until: 4 * hour + 60_000 },
      fault: /would last 241 min, .* 240 min/,
    },
    { title: "the longest", parts: { until: 4 * hour }, fault: undefined },
  ])
    it(`takes ${title}`, () => {
      const found = faultOfBreakGlass(one(parts), 4 * hour);
      if (fault === undefined) assert.equal(found, undefined);
      else assert.match(found ?? "", fault);
    });

  it("is on for its node, or for all", () => {
    assert.deepEqual(
      [isOpenOn("a", [one({ node: "a" })]), isOpenOn("b", [one({ node: "a" })]), isOpenOn("b", [one()])],
      [true, false, true],
    );
  });

  it("ends with its time", () => {
    const [short, long] = [one({ node: "a", until: 10 }), one({ node: "b", until: 20 })];
    assert.deepEqual(partedAt([short, long], 9), { on: [short, long], over: [] });
    assert.deepEqual(partedAt([short, long], 10), { on: [long], over: [short] });
  });

  it("does not get longer than the longest by a clock that is set back, or a file that says so", () => {
    assert.deepEqual(partedAt([one({ from: 10 * hour, until: 11 * hour })], 0, 4 * hour).on, []);
    assert.deepEqual(partedAt([one({ until: 999 * hour })], 998 * hour, 4 * hour).on, []);
  });

  it("is replaced by a newer one for the same node", () => {
    const [old, other, newer] = [one({ node: "a" }), one({ node: "b" }), one({ node: "a", until: 5 })];
    assert.deepEqual(withBreakGlass([old, other], newer), [other, newer]);
  });

  it("is ended early for a node, or for all", () => {
    const [a, b] = [one({ node: "a" }), one({ node: "b" })];
    assert.deepEqual(withoutBreakGlass([a, b], "a"), { on: [b], over: [a] });
    assert.deepEqual(withoutBreakGlass([a, b], null), { on: [], over: [a, b] });
  });
});

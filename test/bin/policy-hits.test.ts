import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { policyCommand } from "../../bin/commands/policy.ts";
import { dayMs, emptyHistory, type HitHistory, hitsSince, withCounts } from "../../bin/hit-history.ts";
import { policyUses } from "../../bin/policy-hits.ts";
import { writeHits } from "../../bin/status-folder.ts";
import type { Counts } from "../../core/netlink/nft-counters.ts";
import { type RuleId, ruleIdOf } from "../../core/rule-id.ts";
import type { RuleOrigin } from "../../policy/program.ts";
import { FakeRim, run } from "./fake-rim.ts";

const [allow, deny] = [1, 2].map((n) => ruleIdOf(Uint8Array.of(0x10, 0, 0, 0, 0, 0, 0, n))) as [RuleId, RuleId];
const origin = (action: RuleOrigin["action"], rule: number): RuleOrigin => ({
  tier: "app",
  kind: "np",
  namespace: "shop",
  name: "app.db",
  direction: "ingress",
  action,
  rule,
});
const rules = new Map([
  [allow, origin("allow", 0)],
  [deny, origin("deny", -1)],
]);
const inForce = (id: RuleId) => rules.get(id);
const without = () => undefined;
const counts = (values: Readonly<Record<string, number>>): Counts =>
  new Map(Object.entries(values).map(([name, packets]) => [name, { packets, bytes: 0 }]));

const start = 1_700_000_000_000;
const now = 1_700_000_060_000;

/** Samples as [milliseconds after the start, value of the counter of `allow`]; null: there is no such counter. */
function history(...samples: readonly (readonly [at: number, value: number | null])[]): HitHistory {
  let all = emptyHistory("node-1");
  for (const [at, value] of samples)
    all = withCounts(all, counts(value === null ? {} : { [`r_${allow}`]: value }), inForce, start + at);
  return all;
}
const ofAllow = (all: HitHistory) => all.rules[allow];

describe("bin/hit-history", () => {
  const cases: readonly {
    title: string;
    samples: readonly (readonly [number, number | null])[];
    total: number | undefined;
    last: number | null;
  }[] = [
    {
      title: "nothing of a rule that was never met",
      samples: [
        [0, 0],
        [10, 0],
      ],
      total: 0,
      last: null,
    },
    { title: "what the counter says at first", samples: [[0, 5]], total: 5, last: 0 },
    {
      title: "what it grew by",
      samples: [
        [0, 5],
        [10, 5],
        [20, 9],
      ],
      total: 9,
      last: 20,
    },
    {
      title: "on over a counter that begins anew",
      samples: [
        [0, 5],
        [10, 2],
      ],
      total: 7,
      last: 10,
    },
    {
      title: "on over one that begins anew at nothing",
      samples: [
        [0, 5],
        [10, 0],
        [20, 1],
      ],
      total: 6,
      last: 20,
    },
    {
      title: "on over a rule that was away",
      samples: [
        [0, 5],
        [10, null],
        [20, 3],
      ],
      total: 8,
      last: 20,
    },
    {
      title: "nothing of a rule that is gone for more than a month",
      samples: [
        [0, 5],
        [40 * dayMs, null],
      ],
      total: undefined,
      last: null,
    },
  ];
  for (const { title, samples, total, last } of cases)
    it(`counts ${title}`, () => {
      const hits = ofAllow(history(...samples));
      assert.deepEqual([hits?.total, hits?.lastHit ?? null], [total, last === null ? null : start + last]);
    });

  it("names a rule whose policy is gone as it was called", () => {
    const before = withCounts(emptyHistory("a"), counts({ [`r_${allow}`]: 1 }), inForce, start);
    const after = withCounts(before, counts({ [`r_${allow}`]: 1 }), without, start + 1);
    assert.deepEqual(after.rules[allow]?.origin, origin("allow", 0));
  });

  it("takes no other counter for a rule's", () => {
    const all = withCounts(emptyHistory("a"), counts({ probe_allow_egress_forward: 1, r_zz: 2 }), inForce, start);
    assert.deepEqual(all.rules, {});
  });

  it("knows hits by the hour of the last day and by the day of the last month, and forgets older ones", () => {
    const hits = ofAllow(history([0, 10], [20 * dayMs, 13], [39 * dayMs, 14], [39 * dayMs + 7_200_000, 20]));
    assert.ok(hits);
    const later = start + 39 * dayMs + 7_200_000;
    assert.equal(hitsSince(hits, null, later), 20);
    assert.equal(hitsSince(hits, later - 3_600_000, later), 6);
    assert.equal(hitsSince(hits, later - 10 * 3_600_000, later), 7);
    assert.equal(hitsSince(hits, later - 25 * dayMs, later), 10);
    assert.equal(hits.days.length, 3);
  });
});

describe("bin/commands, sluice policy hits", function () {
  this.timeout(10_000);
  let data = "";
  before(async () => {
    data = mkdtempSync(join(tmpdir(), "sluice-hits-"));
    const both = (node: string, value: number) =>
      withCounts(emptyHistory(node), counts({ [`r_${allow}`]: value, [`r_${deny}`]: 0 }), inForce, start);
    await writeHits(data, both("node-1", 3));
    await writeHits(data, both("node-2", 4));
  });
  after(() => rmSync(data, { recursive: true, force: true }));
  const ask = (...args: readonly string[]) => run(policyCommand, new FakeRim(), "hits", "--data-folder", data, ...args);

  it("adds up nodes and rules to policies", async () => {
    assert.match(
      await ask(),
      /TIER +POLICY +HITS +LAST +RULES +UNUSED\napp +NetworkPolicy shop\/app\.db +7 +60 s ago +2 +1\n/,
    );
  });

  it("tells rules in the wide table, and since when one is unused", async () => {
    const text = await ask("-o", "wide");
    assert.match(text, /app +NetworkPolicy shop\/app\.db +ingress +0 +allow +7 +60 s ago/);
    assert.match(text, /ingress +end of tier +deny +0 +unused since 2023-11-14T22:13Z/);
  });

  it("tells only what is unused if asked", async () => {
    assert.equal((await ask("-o", "csv", "--unused", "--no-headers")).trim().split("\n").length, 1);
    assert.equal(await ask("--unused"), "");
  });

  it("counts from a moment on", async () => {
    const since = (text: string) =>
      ask("--since", text, "-o", "json").then((json) => JSON.parse(json)[0].hits as number);
    assert.deepEqual([await since("2h"), await since("2023-11-14T22:00")], [7, 7]);
    assert.equal(policyUses([history([0, 3])], { now: now + dayMs, since: now + dayMs - 3_600_000 })[0]?.hits, 0);
  });
});

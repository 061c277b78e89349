import assert from "node:assert/strict";
import { silentLog } from "../../../core/log.ts";
import type { ChangeRecord } from "../../../core/records/change.ts";
import type { Repair } from "../../../enforcer/enforcer.ts";
import type { Culprit } from "../../../enforcer/tamper/culprit.ts";
import type { News } from "../../../enforcer/tamper/news.ts";
import type { TableEvent, Tampering } from "../../../enforcer/tamper/table-event.ts";
import { type Gap, TamperWatch } from "../../../enforcer/tamper/tamper-watch.ts";
import { FakeClock, settled } from "../../support/fake-clock.ts";
import { elementEvent, namedEvent, ruleEvent, wanted } from "./world.ts";

const nft: Culprit = {
  pid: 4711,
  program: "nft",
  commandLine: "nft delete rule inet sluice base handle 8",
  uid: 0,
  user: "root",
  login: null,
  container: null,
  ancestors: ["bash (pid 812)"],
};

/** A watch whose enforcer repairs when it is told to. */
class Bench {
  readonly clock = new FakeClock();
  readonly stop = new AbortController();
  readonly disturbed: Tampering[] = [];
  readonly changes: ChangeRecord[] = [];
  readonly notices: string[] = [];
  readonly gaps: Gap[] = [];
  hasRules = true;
  readonly watch = new TamperWatch({
    cluster: "lab",
    node: "node-1",
    enforcer: {
      disturbed: (tampering) => {
        if (this.hasRules) this.disturbed.push(tampering);
        return this.hasRules;
      },
    },
    isOurChild: (pid) => pid === 99,
    clock: this.clock,
    log: silentLog,
    onChange: (change) => this.changes.push(change),
    onNotice: ({ summary }, repeats) => this.notices.push(`${summary} ${repeats}`),
    onGap: (gap) => this.gaps.push(gap),
  });
  readonly run = this.watch.run(this.stop.signal);

  foreign(events: readonly TableEvent[], culprit: Culprit = nft): void {
    const now = this.clock.now();
    this.watch.take({
      ...{ kind: "foreign", at: now, after: now - 20, culprit, localPid: culprit.pid },
      ...{ events, omitted: 0, touchesOthers: false },
    });
  }

  async repair(after = 34, commands: number | null = 2): Promise<void> {
    await this.clock.advance(after);
    const tamperings = this.disturbed.splice(0);
    const repair: Repair = { tamperings, damage: null, wholeAt: 0, at: this.clock.now(), wanted, commands };
    this.watch.repaired(repair);
  }
}

describe("enforcer/tamper/tamper-watch", () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
    bench.watch.take({ kind: "own", events: [7, 8, 9].map((handle) => ruleEvent("base", handle, false)) });
  });
  afterEach(async () => {
    bench.stop.abort();
    await bench.run;
  });

  it("tells who did what, when, and what was done about it", async () => {
    const now = bench.clock.now();
    bench.foreign([ruleEvent("base", 8, true)]);
    await bench.repair();
    const [{ id, ...change }] = bench.changes as [ChangeRecord];
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(change, {
      cluster: "lab",
      node: "node-1",
      kind: "tamper",
      start: (now - 20) * 1000,
      foundAt: now * 1000,
      end: (now + 34) * 1000,
      actor: nft,
      object: "table inet sluice",
      summary: "removed 1 rule of chain base",
      diff: ["- chain base, rule 2 of 3: th dport 443 accept"],
      outcome: "repaired",
      outcomeDetail: "put back by 2 commands",
      ...{ request: null, control: null },
    });
  });

  it("tells of the gap when it is over", async () => {
    const now = bench.clock.now();
    bench.foreign([ruleEvent("base", 8, true)]);
    assert.deepEqual(bench.gaps, []);
    await bench.repair();
    assert.deepEqual(bench.gaps, [{ from: now - 20, to: now + 34 }]);
  });

  const nothing: readonly (readonly [title: string, news: (bench: Bench) => void])[] = [
    ["changes of our own", (b) => b.watch.take({ kind: "own", events: [namedEvent("chain", "x", false)] })],
    ["changes of a child of ours", (b) => b.foreign([ruleEvent("base", 8, true)], { ...nft, pid: 99 })],
    ["changes of other tables", (b) => b.foreign([])],
    ["sysctls", (b) => b.watch.take({ kind: "sysctls", values: {} })],
  ];
  for (const [title, news] of nothing)
    it(`takes ${title} for no tampering`, () => {
      news(bench);
      assert.deepEqual(bench.disturbed, []);
    });

  it("knows rules that a child of ours added", async () => {
    bench.foreign([ruleEvent("class_a", 30, false)], { ...nft, pid: 99 });
    bench.foreign([ruleEvent("class_a", 30, true)]);
    await bench.repair();
    assert.deepEqual(bench.changes[0]?.diff, ["- chain class_a, rule 1 of 1: accept"]);
  });

  it("tells the same thing once, but records it each time", async () => {
    for (let round = 0; round < 5; round++) {
      bench.foreign([elementEvent("pods", [10, 0, 0, round], false)], { ...nft, pid: 5000 + round });
      await bench.repair();
    }
    bench.foreign([namedEvent("chain", "backdoor", false)]);
    await bench.repair();
    assert.deepEqual(bench.notices, ["added 1 element to set pods 0", "added chain backdoor 0"]);
    assert.deepEqual([bench.changes.length, bench.gaps.length], [6, 6]);
    await bench.clock.advance(61_000);
    assert.deepEqual(bench.notices.slice(2), ["added 1 element to set pods 4"]);
  });

  it("has everything written anew when events were lost, once a minute at most", async () => {
    const lost: News = {
      kind: "lost",
      at: bench.clock.now(),
      after: bench.clock.now() - 5,
      reason: "the buffer overran",
      isRare: false,
    };
    bench.watch.take(lost);
    bench.watch.take(lost);
    assert.deepEqual(bench.disturbed, [{ events: [], omitted: 1 }]);
    await bench.repair(10, null);
    const [change] = bench.changes;
    assert.deepEqual(
      [change?.actor, change?.summary, change?.outcomeDetail],
      [null, "may have changed it: the buffer overran", "everything was written anew"],
    );
    await bench.clock.advance(61_000);
    assert.equal(bench.disturbed.length, 1);
  });

  it("has everything written anew at once for each loss that cannot come often", () => {
    const at = bench.clock.now();
    for (let turn = 0; turn < 2; turn++)
      bench.watch.take({ kind: "lost", at, after: at - 5, reason: "somebody else", isRare: true });
    assert.equal(bench.disturbed.length, 2);
  });

  it("tells what a look at the table found, since the last time that it was whole", () => {
    const at = bench.clock.now();
    bench.watch.repaired({
      tamperings: [],
      damage: "the table is gone",
      wholeAt: at - 9_000,
      at,
      wanted,
      commands: null,
    });
    const [change] = bench.changes;
    assert.deepEqual(
      [change?.summary, change?.start, change?.actor],
      ["was found damaged: the table is gone", (at - 9_000) * 1000, null],
    );
    assert.deepEqual(bench.gaps, [{ from: at - 9_000, to: at }]);
  });

  it("ignores what happens before there are rules of ours", async () => {
    bench.hasRules = false;
    bench.foreign([ruleEvent("base", 8, true)]);
    bench.stop.abort();
    await bench.run;
    assert.deepEqual(bench.changes, []);
  });

  it("records at the end what was not put right", async () => {
    bench.foreign([ruleEvent("base", 8, true)]);
    bench.stop.abort();
    await bench.run;
    await settled();
    assert.deepEqual(
      bench.changes.map(({ outcome, end }) => [outcome, end]),
      [["unrepaired", null]],
    );
  });
});

import assert from "node:assert/strict";
import type { Flow } from "../../../core/records/flow.ts";
import { coloured, plain } from "../../../sinks/live/paint.ts";
import { Summary } from "../../../sinks/live/summary.ts";
import { summaryLines } from "../../../sinks/live/summary-text.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { flow, loss } from "../../support/flows.ts";
import { assertGolden } from "../../support/golden.ts";
import { scene, sceneLosses } from "./scene.ts";

/** test/golden/live holds them. */
const goldens = [
  { width: 80, paint: plain, file: "summary-80.txt" },
  { width: 120, paint: plain, file: "summary-120.txt" },
  { width: 120, paint: coloured, file: "summary-120-colour.txt" },
];

describe("sinks/live/summary", () => {
  for (const { width, paint, file } of goldens) {
    it(`looks as in ${file}`, async () => {
      const { summary, clock } = summaryOf(scene);
      for (const each of sceneLosses) summary.addLoss(each);
      await clock.advance(95_000);
      const text = summaryLines(summary.report(), width, paint, 4).join("\n");
      const origin = `The summary of test/sinks/live/scene.ts after 95 s, ${width} columns, the top 4.`;
      assertGolden(`live/${file}`, `${origin}\n${text}\n`);
    });
  }

  it("bytes are summed over windows, the connection counts once", () => {
    const windows = [100, 200, 300].map((bytes, seq) => flow({ seq, bytes, replyBytes: 0, connection: 1 }));
    const { connections, bytes, talkers } = summaryOf(windows).summary.report();
    const [first] = talkers;
    assert.deepEqual([connections, bytes, first?.bytes, first?.connections], [1, 600, 600, 1]);
  });

  it("what an observing node let pass though a policy denies it is told apart", () => {
    const enforced = ["0|security|gnp:security.quarantine|deny|0"];
    const passed = flow({ seq: 1, mode: "observed", action: "allow", enforced });
    const { denied, wouldBeDeniedBy } = summaryOf([passed, flow({ seq: 2, connection: 2 })]).summary.report();
    assert.deepEqual(
      [denied, wouldBeDeniedBy.map(({ policy, attempts }) => `${attempts} ${policy}`)],
      [0, ["1 security / quarantine / rule 0"]],
    );
  });

  it("a record that comes twice counts once", () => {
    const twice = flow({ seq: 1, bytes: 100, replyBytes: 0 });
    assert.equal(summaryOf([twice, twice]).summary.report().bytes, 100);
  });

  it("records of the other end do not count", () => {
    const other = flow({ seq: 1, reporter: "src", authoritative: false });
    assert.equal(summaryOf([other]).summary.report().connections, 0);
  });

  it("bytes of denied packets are no traffic", () => {
    const { bytes, denied, talkers } = summaryOf([flow({ state: "denied" })]).summary.report();
    assert.deepEqual([bytes, denied, talkers.length], [0, 1, 0]);
  });

  it("says that nothing was lost", () => {
    const lines = summaryLines(new Summary(new FakeClock()).report(), 80, plain);
    assert.equal(lines.at(-1), "Lost: none");
  });

  it("a loss of unknown extent makes the sum unknown", () => {
    const { summary } = summaryOf([]);
    for (const count of [3, 4]) summary.addLoss(loss({ source: "decode", count }));
    assert.deepEqual(summary.report().losses, [{ node: "node-1", source: "decode", detail: "", times: 2, count: 7 }]);
    summary.addLoss(loss({ source: "decode", count: null }));
    assert.equal(summary.report().losses[0]?.count, null);
  });

  it("says of each loss why: that nobody listened is no overrun", () => {
    const { summary } = summaryOf([]);
    summary.addLoss(loss({ source: "conntrack", count: null, detail: "the collector did not run" }));
    summary.addLoss(loss({ source: "conntrack", count: null, detail: "the event socket's buffer overran" }));
    const lines = summaryLines(summary.report(), 80, plain).slice(-2);
    assert.deepEqual(lines, [
      "  node-1: an unknown number of connection events, 1 time (the collector did not run)",
      "  node-1: an unknown number of connection events, 1 time (the event socket's buffer overran)",
    ]);
  });

  it("keeps a bounded number of pairs and says what it did not keep", () => {
    const { summary } = summaryOf([]);
    for (let n = 0; n < 10_002; n++) summary.addFlow(flow({ seq: n, connection: n, destinationPort: n + 1 }));
    const { talkers, furtherPairs, connections } = summary.report();
    assert.deepEqual([talkers.length, furtherPairs, connections], [10_000, 2, 10_002]);
  });
});

function summaryOf(flows: readonly Flow[]): { summary: Summary; clock: FakeClock } {
  const clock = new FakeClock();
  const summary = new Summary(clock);
  for (const each of flows) summary.addFlow(each);
  return { summary, clock };
}

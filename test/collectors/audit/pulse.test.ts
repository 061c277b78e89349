import assert from "node:assert/strict";
import { Pulse } from "../../../collectors/audit/pulse.ts";

/** What it says at each step; it is silent after 100. */
type Step = readonly [at: number, what: "heard" | "probe" | "unexplained" | "check"];

const cases: readonly { readonly title: string; readonly steps: readonly Step[]; readonly says: readonly string[] }[] =
  [
    { title: "nothing while nobody does anything", steps: [[1_000, "check"]], says: [] },
    {
      title: "nothing while an event follows each probe",
      steps: [
        [50, "probe"],
        [60, "heard"],
        [200, "check"],
      ],
      says: [],
    },
    {
      title: "nothing too early",
      steps: [
        [50, "probe"],
        [149, "check"],
      ],
      says: [],
    },
    {
      title: "that none follows a probe",
      steps: [
        [50, "probe"],
        [150, "check"],
      ],
      says: ["stopped 0 probe"],
    },
    {
      title: "that none follows a change that was seen",
      steps: [
        [10, "heard"],
        [50, "unexplained"],
        [150, "check"],
      ],
      says: ["stopped 10 unexplained"],
    },
    {
      title: "nothing of a change before the last event",
      steps: [
        [60, "heard"],
        [50, "unexplained"],
        [500, "check"],
      ],
      says: [],
    },
    {
      title: "nothing of a probe whose event came before its answer",
      steps: [
        [60, "heard"],
        [60, "check"],
        [59, "probe"],
        [500, "check"],
      ],
      says: [],
    },
    {
      title: "it once",
      steps: [
        [50, "probe"],
        [150, "check"],
        [160, "probe"],
        [400, "check"],
      ],
      says: ["stopped 0 probe"],
    },
    {
      title: "that they come again, and stop again",
      steps: [
        [50, "probe"],
        [150, "check"],
        [200, "heard"],
        [250, "probe"],
        [350, "check"],
      ],
      says: ["stopped 0 probe", "resumed 0 200", "stopped 200 probe"],
    },
  ];

describe("whoever listens for audit events says", () => {
  for (const { title, steps, says } of cases)
    it(title, () => {
      const pulse = new Pulse(100, 0);
      const said = steps.map(([at, what]) => {
        if (what === "heard") return pulse.heard(at);
        if (what === "check") return pulse.check(at);
        return pulse.owe(what, at);
      });
      const texts = said.flatMap((news) => {
        if (news === undefined) return [];
        return news.kind === "stopped"
          ? `stopped ${news.lastHeard} ${news.why}`
          : `resumed ${news.since} ${news.heard}`;
      });
      assert.deepEqual(texts, says);
    });
});

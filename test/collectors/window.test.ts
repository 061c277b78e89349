import assert from "node:assert/strict";
import { Windows } from "../../collectors/window.ts";

const minute = 1_700_000_040_000;
const told = (windows: Windows, times: readonly number[]) =>
  times.map((at) => {
    const due = windows.due(minute + at);
    return due === undefined
      ? "nothing"
      : `${due.whole ? "window" : "closed"} ${due.start / 1000 - minute}-${due.end / 1000 - minute}`;
  });

describe("windows", () => {
  const cases = [
    {
      title: "end at multiples of their length since 1970, wherever collecting begins",
      windowMs: 15_000,
      begin: 14_200,
      times: [14_999, 15_000],
      told: ["nothing", "window 0-15000"],
    },
    {
      title: "tell of closed connections each second in between",
      windowMs: 15_000,
      begin: 0,
      times: [999, 1_003, 1_500, 2_000],
      told: ["nothing", "closed 0-1003", "nothing", "closed 0-2000"],
    },
    {
      title: "of less than a second are told as a whole only",
      windowMs: 250,
      begin: 0,
      times: [249, 251, 499, 502],
      told: ["nothing", "window 0-250", "nothing", "window 250-500"],
    },
    {
      title: "of which several passed at once are one, to the last boundary",
      windowMs: 1_000,
      begin: 0,
      times: [3_700, 4_000],
      told: ["window 0-3000", "window 3000-4000"],
    },
    {
      title: "begin anew when the clock is set back",
      windowMs: 1_000,
      begin: 10_500,
      times: [5_200, 6_000],
      told: ["nothing", "window 5000-6000"],
    },
  ];
  for (const { title, windowMs, begin, times, told: expected } of cases)
    it(title, () => assert.deepEqual(told(new Windows(windowMs, minute + begin), times), expected));

  it("end early when collecting ends", () => {
    const { start, end, whole } = new Windows(15_000, minute + 1).last(minute + 4_000);
    assert.deepEqual([start / 1000 - minute, end / 1000 - minute, whole], [0, 4_000, true]);
  });
});

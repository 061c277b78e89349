import assert from "node:assert/strict";
import { type Beat, Heartbeats } from "../../collectors/heartbeats.ts";

// Times are seconds since the epoch here.
const beats = (begin: number, ...at: readonly number[]) => {
  const heartbeats = new Heartbeats(begin * 1000);
  return at.map((now) => inSeconds(heartbeats.due(now * 1000)));
};
const inSeconds = (beat: Beat | undefined) => beat && [beat.start / 1e6, beat.end / 1e6];

describe("heartbeats", () => {
  const cases = [
    {
      title: "the first speaks for the time since collecting began",
      found: beats(13, 19.9, 20),
      due: [undefined, [13, 20]],
    },
    { title: "then for ten seconds, aligned", found: beats(20, 29, 30.5, 40), due: [undefined, [20, 30], [30, 40]] },
    { title: "one that comes late speaks for all that passed", found: beats(20, 55), due: [[20, 50]] },
    { title: "a clock that is set back begins anew", found: beats(55, 12, 20), due: [undefined, [12, 20]] },
  ];
  for (const { title, found, due } of cases) it(title, () => assert.deepEqual(found, due));

  it("the last speaks for what remains", () => {
    const heartbeats = new Heartbeats(13_000);
    heartbeats.due(20_000);
    assert.deepEqual(inSeconds(heartbeats.last(23_000)), [20, 23]);
  });
});

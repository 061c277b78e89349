import assert from "node:assert/strict";
import { ReadingPace } from "../../collectors/reading-pace.ts";

/** The pause after readings that found so many datagrams, each `elapsedMs` after the one before. */
function pauseAfter(readings: readonly number[], elapsedMs = 10): number {
  const pace = new ReadingPace();
  return readings.reduce((_, datagrams) => pace.after(datagrams, elapsedMs), 0);
}

describe("the pause between readings", () => {
  const cases: readonly { title: string; readings: readonly number[]; pause: number }[] = [
    { title: "is short while little happens", readings: [3], pause: 5 },
    { title: "is long at a rate that makes full batches only then", readings: [500], pause: 40 },
    { title: "is shorter the more comes", readings: [2_000], pause: 20 },
    { title: "is never so short that a wake-up brings little", readings: [20_000], pause: 5 },
    { title: "is short again some time after a burst", readings: [2_000, ...Array(15).fill(1)], pause: 5 },
    { title: "stays short for a while after the last event", readings: [1, ...Array(20).fill(0)], pause: 5 },
    { title: "is long while nothing happens", readings: [1, ...Array(21).fill(0)], pause: 20 },
    { title: "is short after the first event of an idle time", readings: [...Array(30).fill(0), 1], pause: 5 },
  ];
  for (const { title, readings, pause } of cases) it(title, () => assert.equal(pauseAfter(readings), pause));
});

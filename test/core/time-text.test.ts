import assert from "node:assert/strict";
import { parseDuration, parseMoment } from "../../core/time-text.ts";

const nowMs = 1_700_000_000_000; // 2023-11-14T22:13:20Z

const moments: readonly (readonly [text: string, us: number | undefined])[] = [
  ["now", 1_700_000_000_000_000],
  ["-15m", 1_699_999_100_000_000],
  ["now-1h", 1_699_996_400_000_000],
  ["now+1s", 1_700_000_001_000_000],
  ["-1h30m", 1_699_994_600_000_000],
  ["2023-11-14", 1_699_920_000_000_000],
  ["2023-11-14T22:13", 1_699_999_980_000_000],
  ["2023-11-14 22:13:20", 1_700_000_000_000_000],
  ["2023-11-14T22:13:20Z", 1_700_000_000_000_000],
  ["2023-11-14T23:13:20+01:00", 1_700_000_000_000_000],
  ["2023-11-14T22:13:20.123456Z", 1_700_000_000_123_456],
  ["2023-11-14T22:13:20.1Z", 1_700_000_000_100_000],
  ["2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456],
  ["2024-02-29", 1_709_164_800_000_000],
  ["2023-02-29", undefined],
  ["2023-13-01", undefined],
  ["2023-11-14T25:00", undefined],
  ["1969-12-31", undefined],
  ["yesterday", undefined],
  ["15m", undefined],
  ["now-", undefined],
  ["-999999999w", undefined],
  ["1", undefined],
  ["", undefined],
];

const durations: readonly (readonly [text: string, ms: number | undefined])[] = [
  ["30s", 30_000],
  ["1h30m", 5_400_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["7d", 604_800_000],
  ["2w", 1_209_600_000],
  ["5", undefined],
  ["5 m", undefined],
  ["m", undefined],
  ["-5m", undefined],
  ["", undefined],
];

describe("core/time-text", () => {
  for (const [text, us] of moments)
    it(`${JSON.stringify(text)} ${us === undefined ? "is no moment" : `is ${us}`}`, () => {
      assert.equal(parseMoment(text, nowMs), us);
    });
  for (const [text, ms] of durations)
    it(`${JSON.stringify(text)} ${ms === undefined ? "is no duration" : `lasts ${ms} ms`}`, () => {
      assert.equal(parseDuration(text), ms);
    });
});

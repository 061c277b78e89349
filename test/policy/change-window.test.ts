import assert from "node:assert/strict";
import { parseTime } from "../../core/clock.ts";
import { changeWindow, isOpen, readWindow, windowText } from "../../policy/kinds/change-window.ts";

const windowOf = (spec: object) => readWindow(changeWindow.parse(spec));
const berlin = { timeZone: "Europe/Berlin" };

// Berlin: summer time from 2026-03-29 02:00 CET (01:00 UTC) to 2026-10-25 03:00 CEST (01:00 UTC). Both are Sundays.
const cases: readonly { readonly title: string; readonly spec: object; readonly at: string; readonly is: boolean }[] = [
  { title: "is open when it begins", spec: { from: "09:00", to: "17:00" }, at: "2026-12-02T09:00:00Z", is: true },
  { title: "is closed when it ends", spec: { from: "09:00", to: "17:00" }, at: "2026-12-02T17:00:00Z", is: false },
  { title: "is open in its last second", spec: { from: "09:00", to: "17:00" }, at: "2026-12-02T16:59:59Z", is: true },
  {
    title: "is open on its days",
    spec: { from: "00:00", to: "24:00", days: ["Wed"] },
    at: "2026-12-02T23:59:59Z",
    is: true,
  },
  {
    title: "is closed on others",
    spec: { from: "00:00", to: "24:00", days: ["Wed"] },
    at: "2026-12-03T00:00:00Z",
    is: false,
  },
  {
    title: "over midnight is open before",
    spec: { from: "22:00", to: "02:00", days: ["Sat"] },
    at: "2026-12-05T22:00:00Z",
    is: true,
  },
  {
    title: "over midnight is open after",
    spec: { from: "22:00", to: "02:00", days: ["Sat"] },
    at: "2026-12-06T01:59:00Z",
    is: true,
  },
  {
    title: "over midnight is closed in the morning of its day",
    spec: { from: "22:00", to: "02:00", days: ["Sat"] },
    at: "2026-12-05T01:00:00Z",
    is: false,
  },
  {
    title: "over midnight goes from Sunday to Monday",
    spec: { from: "22:00", to: "02:00", days: ["Sun"] },
    at: "2026-12-07T01:00:00Z",
    is: true,
  },
  {
    title: "follows the clocks of its place in winter",
    spec: { from: "09:00", to: "10:00", ...berlin },
    at: "2026-12-02T08:30:00Z",
    is: true,
  },
  {
    title: "follows the clocks of its place in summer",
    spec: { from: "09:00", to: "10:00", ...berlin },
    at: "2026-07-01T08:30:00Z",
    is: false,
  },
  {
    title: "has the day of its place",
    spec: { from: "00:00", to: "01:00", days: ["Thu"], ...berlin },
    at: "2026-12-02T23:30:00Z",
    is: true,
  },
  {
    title: "is open the first time the clocks show it",
    spec: { from: "02:15", to: "02:45", ...berlin },
    at: "2026-10-25T00:30:00Z",
    is: true,
  },
  {
    title: "is open the second time, when clocks were put back",
    spec: { from: "02:15", to: "02:45", ...berlin },
    at: "2026-10-25T01:30:00Z",
    is: true,
  },
  {
    title: "is closed between the two",
    spec: { from: "02:15", to: "02:45", ...berlin },
    at: "2026-10-25T01:00:00Z",
    is: false,
  },
  {
    title: "is not there where clocks leap over it: before",
    spec: { from: "02:00", to: "03:00", ...berlin },
    at: "2026-03-29T00:59:59Z",
    is: false,
  },
  {
    title: "is not there where clocks leap over it: after",
    spec: { from: "02:00", to: "03:00", ...berlin },
    at: "2026-03-29T01:00:00Z",
    is: false,
  },
  {
    title: "that the leap begins in is open after it",
    spec: { from: "02:30", to: "03:30", ...berlin },
    at: "2026-03-29T01:15:00Z",
    is: true,
  },
  {
    title: "of a zone without whole hours",
    spec: { from: "09:00", to: "10:00", timeZone: "Asia/Kathmandu" },
    at: "2026-12-02T03:15:00Z",
    is: true,
  },
];

describe("a change window", () => {
  for (const { title, spec, at, is } of cases)
    it(title, () => assert.equal(isOpen(windowOf(spec), parseTime(at) ?? assert.fail(at)), is));

  it("is told in words", () => {
    assert.equal(
      windowText(windowOf({ from: "22:00", to: "02:30", days: ["Sun", "Fri"], ...berlin })),
      "Fri Sun 22:00-02:30 Europe/Berlin",
    );
    assert.equal(windowText(windowOf({ from: "00:00", to: "24:00" })), "daily 00:00-24:00 UTC");
  });
});

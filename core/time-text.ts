import { parseTime } from "./clock.ts";

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `30s`, `5m`, `1h30m`, `7d` as milliseconds, or undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)];
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit as string] as number), 0);
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined;
}

/**
 * A moment as people write it, in microseconds: `2026-11-23T10:00:00Z` (RFC 3339), `2026-11-23T10:00`, `2026-11-23` (both UTC),
 * `now`, `now-1h`, `-15m`. Undefined if it is none.
 */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const [, sign, duration] = /^(?:now)?(?:([-+])(.+))?$/.exec(text) ?? [];
  if (text === "now") return Math.floor(nowMs) * 1000;
  if (sign === undefined || duration === undefined) return parseAbsolute(text);
  const ms = parseDuration(duration);
  if (ms === undefined) return undefined;
  return inRange((Math.floor(nowMs) + (sign === "-" ? -ms : ms)) * 1000);
}

/** Times are numbers in microseconds, exact from the year 1970 to 2255. */
function inRange(us: number): number | undefined {
  return Number.isSafeInteger(us) && us >= 0 ? us : undefined;
}

function parseAbsolute(text: string): number | undefined {
  const [, day, minute = "T00:00", second = ":00", fraction = "", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:([Tt ]\d\d:\d\d)(?:(:\d\d)(?:\.(\d{1,9}))?)?([Zz]|[-+]\d\d:\d\d)?)?$/.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  const ms = parseTime(`${day}T${minute.slice(1)}${second}${zone.toUpperCase()}`);
  return ms === undefined ? undefined : inRange(ms * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6)));
}

/** Date.parse takes 30 February for 2 March. */
function isDay(day: string): boolean {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return date >= 1 && date <= (days[month - 1] ?? 0);
}

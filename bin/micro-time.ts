import { isoTime } from "../core/clock.ts";

/** `2026-11-23T10:00:00.123456Z` of microseconds: RFC 3339, always six digits, so that texts sort as times do. */
export function microTime(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  return `${isoTime(seconds * 1000).slice(0, 19)}.${String(us - seconds * 1_000_000).padStart(6, "0")}Z`;
}

/** `2026-11-23 10:00:00` of microseconds, for people. */
export function secondText(us: number): string {
  return isoTime(Math.floor(us / 1_000_000) * 1000)
    .slice(0, 19)
    .replace("T", " ");
}

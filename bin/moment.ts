import { InvalidArgumentError } from "commander";
import type { Clock } from "../core/clock.ts";
import { parseDuration, parseMoment } from "../core/time-text.ts";

/** A moment on the command line, in microseconds: as in filters, and `5m` for five minutes ago. For commander. */
export function momentParser(clock: Clock): (text: string) => number {
  return (text) => {
    const moment = parseMoment(parseDuration(text) === undefined ? text : `-${text}`, clock.now());
    if (moment !== undefined) return moment;
    throw new InvalidArgumentError('Write a time as "5m" (ago), "now-1h", "2026-11-23T10:00" (UTC) or in RFC 3339.');
  };
}

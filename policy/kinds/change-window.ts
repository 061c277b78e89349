import { z } from "zod";
import { textLike } from "./fields.ts";
import { asSet, constrained } from "./openapi.ts";

/** When changes are allowed, by the clocks of some place. */
export interface ChangeWindow {
  readonly days: readonly Weekday[];
  /** Minutes since midnight. One that does not end after it begins ends the day after. */
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
}

export const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
export type Weekday = (typeof weekdays)[number];

const clockTime = /^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/;
const timeOfDay = textLike(clockTime, 'time of a day: write it as "09:30"').max(5);

export const changeWindow = constrained(
  z.strictObject({
    days: asSet(z.array(z.enum(weekdays)).min(1).max(7))
      .default([...weekdays])
      .describe("On which days it begins."),
    from: timeOfDay,
    to: timeOfDay.describe("Up to then; before `from`: on the day after."),
    timeZone: z
      .string()
      .max(64)
      .default("UTC")
      .refine(isTimeZone, { error: ({ input }) => `"${String(input)}" is no time zone such as Europe/Berlin` })
      .describe("As in the IANA database: Europe/Berlin."),
  }),
  [
    {
      message: "is the same as from; a whole day is from 00:00 to 24:00",
      at: ["to"],
      holds: ({ from, to }) => from !== to,
      cel: "self.from != self.to",
    },
  ],
);

export function readWindow({ days, from, to, timeZone }: z.output<typeof changeWindow>): ChangeWindow {
  return { days, from: minutesOf(from), to: minutesOf(to), timeZone };
}

/** True if at that moment (milliseconds since the epoch) the clocks of its time zone show a time within it. */
export function isOpen({ days, from, to, timeZone }: ChangeWindow, ms: number): boolean {
  const { day, minutes } = localTime(timeZone, ms);
  const begins = (weekday: Weekday) => days.includes(weekday);
  if (from < to) return begins(day) && minutes >= from && minutes < to;
  return (begins(day) && minutes >= from) || (begins(dayBefore(day)) && minutes < to);
}

/** `Mon Tue 09:00-17:00 Europe/Berlin` */
export function windowText({ days, from, to, timeZone }: ChangeWindow): string {
  const when = days.length === 7 ? "daily" : weekdays.filter((day) => days.includes(day)).join(" ");
  return `${when} ${timeText(from)}-${timeText(to)} ${timeZone}`;
}

function localTime(timeZone: string, ms: number): { readonly day: Weekday; readonly minutes: number } {
  const format = { timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const parts = new Intl.DateTimeFormat("en-US", format).formatToParts(ms);
  const value = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return { day: value("weekday") as Weekday, minutes: Number(value("hour")) * 60 + Number(value("minute")) };
}

function dayBefore(day: Weekday): Weekday {
  return weekdays[(weekdays.indexOf(day) + 6) % 7] as Weekday;
}

function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

function minutesOf(text: string): number {
  const [hours, minutes] = text.split(":").map(Number) as [number, number];
  return hours * 60 + minutes;
}

function timeText(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

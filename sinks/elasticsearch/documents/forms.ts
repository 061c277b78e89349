import { isoTime, parseTime } from "../../../core/clock.ts";
import type { Form } from "./field.ts";

// How values of records stand in documents. What a record has most of the time is left out of the document.

const same = (value: unknown): unknown => value;

/** Any text. */
export const text: Form<string | null> = {
  write: (value) => (value === null ? undefined : JSON.stringify(value)),
  read: same,
  absent: null,
};

/** Left out where it is empty. */
export const textIfAny: Form<string> = {
  write: (value) => (value === "" ? undefined : JSON.stringify(value)),
  read: same,
  absent: "",
};

/** Texts in which nothing need be escaped: addresses, rule ids, symbols of our schemas. */
export const word: Form<string | null> = {
  write: (value) => (value === null ? undefined : `"${value}"`),
  read: same,
  absent: null,
};

/** Texts of which there are few, and mostly the same again: they are escaped once. One for each field. */
export function fewTexts(): Form<string | null> {
  const written = remembered((value: string) => JSON.stringify(value));
  let [last, lastWritten]: [string | null, string | undefined] = [null, undefined];
  const write = (value: string | null) => {
    if (value !== last) [last, lastWritten] = [value, value === null ? undefined : written(value)];
    return lastWritten;
  };
  return { ...text, write };
}

export const number: Form<number | null> = {
  write: (value) => (value === null ? undefined : String(value)),
  read: same,
  absent: null,
};

/** Left out where it is 0. */
export const countedIfAny: Form<number> = {
  write: (value) => (value === 0 ? undefined : String(value)),
  read: same,
  absent: 0,
};

/** A number that nobody reckons with, where ECS has a keyword. */
export const numberAsText: Form<number | null> = {
  write: (value) => (value === null ? undefined : `"${value}"`),
  read: Number,
  absent: null,
};

export const truth: Form<boolean> = { write: String, read: same, absent: false };

/** Left out where it is false. */
export const flag: Form<boolean> = { ...truth, write: (value) => (value ? "true" : undefined) };

/** Left out where it is empty. */
export const list: Form<readonly unknown[]> = {
  write: (values) => (values.length === 0 ? undefined : JSON.stringify(values)),
  read: same,
  absent: [],
};

export const labels: Form<Readonly<Record<string, string>>> = {
  write: (value) => {
    const written = JSON.stringify(value);
    return written === "{}" ? undefined : written;
  },
  read: same,
  absent: {},
};

const minuteUs = 60_000_000;
let [lastMinute, lastMinuteText] = [Number.NaN, ""];

/** Microseconds as `2026-11-23T10:00:00.123456Z`, which Elasticsearch reads quickest and keeps exactly. */
export function timeText(us: number): string {
  const minute = Math.floor(us / minuteUs);
  if (minute !== lastMinute) {
    lastMinute = minute;
    lastMinuteText = isoTime(minute * 60_000).slice(0, -7);
  }
  const rest = us - minute * minuteUs;
  const second = Math.floor(rest / 1_000_000);
  const micros = String(rest - second * 1_000_000 + 1_000_000); // a seventh digit before the six
  return `${lastMinuteText}${twoDigits[second]}.${micros.slice(1)}Z`;
}

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));

export const time: Form<number | null> = {
  write: (us) => (us === null ? undefined : `"${timeText(us)}"`),
  read: (value) => microsecondsOf(String(value)),
  absent: null,
};

function microsecondsOf(iso: string): number {
  const point = iso.lastIndexOf(".");
  return (parseTime(`${iso.slice(0, point)}Z`) ?? Number.NaN) * 1000 + Number(iso.slice(point + 1, -1));
}

/** Values that come again, as what they were turned into; beyond a bound it starts afresh. */
export function remembered<K, V>(turn: (key: K) => V, most = 16_384): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = turn(key);
      if (known.size >= most) known.clear();
      known.set(key, value);
    }
    return value;
  };
}

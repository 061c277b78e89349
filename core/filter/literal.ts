import { type Cidr, parseCidr } from "../address.ts";
import { messageOf } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { parseMoment } from "../time-text.ts";
import { type Field, type FieldName, fields } from "./fields.ts";
import type { Value } from "./filter.ts";
import { matchesPattern } from "./pattern.ts";
import { protocolNames } from "./values.ts";

/** Told what is wrong with a literal; throws. */
export type Complain = (complaint: string) => never;

/** The value that a text means for a field. */
export function literalOf(name: FieldName, text: string, nowMs: number, complain: Complain): Value {
  const field: Field = fields[name];
  switch (field.type) {
    case "text":
      return textOf(name, field, text, complain);
    case "labels":
      return text;
    case "number":
      return isPort(name) ? portOf(text, complain) : numberOf(name, text, complain);
    case "address":
      return addressOf(text, complain);
    case "time":
      return timeOf(text, nowMs, complain);
    case "boolean":
      return booleanOf(text, complain);
  }
}

/** A pattern for a text field; one that no value of the field could match is a mistake. */
export function patternOf(name: FieldName, text: string, complain: Complain): string {
  const { values }: Field = fields[name];
  if (name === "protocol") return text.toLowerCase();
  if (values === undefined || values.some((value) => matchesPattern(text, value))) return text;
  return complain(`no value of ${name} is like ${quote(text)}; it has ${values.join(", ")}`);
}

export const isPort = (name: FieldName): boolean => name === "port" || name.endsWith(".port");

/** What hubble and Calico call the verdicts. */
const verdicts: Readonly<Record<string, string>> = {
  allowed: "allow",
  forwarded: "allow",
  denied: "deny",
  dropped: "deny",
};

function textOf(name: FieldName, { values }: Field, text: string, complain: Complain): string {
  if (name === "protocol") return protocolOf(text.toLowerCase(), complain);
  if (values === undefined) return text;
  const lower = text.toLowerCase();
  const meant = name === "verdict" ? (verdicts[lower] ?? lower) : lower;
  const known = values.find((value) => value.toLowerCase() === meant);
  if (known !== undefined) return known;
  return complain(`${quote(text)} is no value of ${name}; it has ${values.join(", ")}${hint(text, values)}`);
}

function protocolOf(lower: string, complain: Complain): string {
  const names = [...protocolNames.values()];
  if (names.includes(lower)) return lower;
  if (/^(0|[1-9]\d{0,2})$/.test(lower) && Number(lower) <= 255) return protocolNames.get(Number(lower)) ?? lower;
  return complain(`${quote(lower)} is no protocol; write ${names.join(", ")} or a number to 255${hint(lower, names)}`);
}

function portOf(text: string, complain: Complain): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  return port >= 0 && port <= 65_535 ? port : complain(`${quote(text)} is no port; it is a number from 0 to 65535`);
}

const factors: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

function numberOf(name: FieldName, text: string, complain: Complain): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([kmgt]i?)?b?$/i.exec(text) ?? [];
  const value = Math.round(Number(digits) * (factors[(unit ?? "").toLowerCase()] as number));
  if (digits !== undefined && Number.isSafeInteger(value)) return value;
  return complain(`${quote(text)} is no number; ${name} is written as 1500, 10k, 5M or 2Gi`);
}

function addressOf(text: string, complain: Complain): Cidr {
  try {
    return parseCidr(text);
  } catch (thrown) {
    return complain(messageOf(thrown));
  }
}

function timeOf(text: string, nowMs: number, complain: Complain): number {
  const moment = parseMoment(text, nowMs);
  return moment ?? complain(`${quote(text)} is no time; write it as 2026-11-23T10:00:00Z, -15m or now-1h`);
}

function booleanOf(text: string, complain: Complain): boolean {
  const lower = text.toLowerCase();
  return lower === "true" || (lower === "false" ? false : complain(`${quote(text)} is neither true nor false`));
}

export const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);

export function hint(text: string, words: Iterable<string>): string {
  const word = nearest(text.slice(0, 100), words);
  return word === undefined ? "" : `; did you mean ${word}?`;
}

import { InvalidArgumentError, Option } from "commander";

const most = 1_000_000;

/** A number of things on the command line; for commander. */
export function parseCount(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  throw new InvalidArgumentError(`Write a number from 1 to ${most}.`);
}

export const limitOption = (fallback: number): Option =>
  new Option("--limit <count>", "so many at most").argParser(parseCount).default(fallback);

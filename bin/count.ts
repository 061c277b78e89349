import { InvalidArgumentError, Option } from "commander";

const most = 1_000_000;

/** A number of things on the command line; for commander. */
export function parseCount(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  throw new InvalidArgumentError(`Write a number from 1 to ${most}.`);
}

/** Of commands that sum up. */
export const lastOption = (): Option =>
  new Option("--last <count>", "only the newest so many records").argParser(parseCount);

export const limitOption = (fallback: number): Option =>
  new Option("--limit <count>", "so many lines at most").argParser(parseCount).default(fallback);

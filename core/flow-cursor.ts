import { SluiceError } from "./errors.ts";
import type { SearchQuery } from "./flow-store.ts";

/** Where a page ended: flows have a total order, so what is stored later changes nothing of the pages before, in whichever store. */
export interface Position {
  readonly start: number;
  readonly node: string;
  readonly epoch: number;
  readonly seq: number;
}

/** Text that means nothing to others. */
export function cursorOf({ start, node, epoch, seq }: Position, order: SearchQuery["order"]): string {
  return Buffer.from(JSON.stringify([order, start, node, epoch, seq])).toString("base64url");
}

/** Throws FILTER_INVALID for a text that is no cursor, or one of the other order. */
export function parseCursor(text: string, order: SearchQuery["order"]): Position {
  const [from, start, node, epoch, seq] = listOf(text);
  if (from === order && isInteger(start) && typeof node === "string" && isInteger(epoch) && isInteger(seq))
    return { start, node, epoch, seq };
  throw new SluiceError("FILTER_INVALID", `"${text.slice(0, 60)}" is no cursor of a search for the ${order}`);
}

/** Whether a flow stands before another where the oldest come first. */
export function comparePositions(a: Position, b: Position): number {
  if (a.start !== b.start) return a.start - b.start;
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  return a.epoch - b.epoch || a.seq - b.seq;
}

function listOf(text: string): readonly unknown[] {
  try {
    const read: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return Array.isArray(read) ? read : [];
  } catch {
    return [];
  }
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

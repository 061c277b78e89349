import { messageOf } from "../../errors.ts";
import { ApiError, malformed } from "./api.ts";

// A watch's answer: a JSON document a line, metav1.WatchEvent.

/** What a watch tells of one object; of a bookmark only the version counts. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: unknown;
  /** From which on another watch tells what comes after this. */
  readonly version: string;
}

/**
 * The events of a watch in the batches in which they arrive. Ends when the server ends the watch. Throws ApiError when the link breaks,
 * for a line that is no event (it may have been one that mattered), and for the error by which a server ends a watch.
 */
export async function* eventsOf(answer: AsyncIterable<unknown>): AsyncGenerator<readonly WatchEvent[]> {
  let rest: Buffer[] = [];
  for await (const chunk of chunksOf(answer)) {
    const end = chunk.lastIndexOf(newline);
    if (end < 0) {
      rest.push(chunk);
      continue;
    }
    const text = Buffer.concat([...rest, chunk.subarray(0, end)]).toString();
    rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
    const lines = text.split("\n").filter((line) => line !== "");
    if (lines.length > 0) yield lines.map(eventOf);
  }
}

const newline = 10;

async function* chunksOf(answer: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (cause) {
    throw new ApiError(`the watch broke off: ${messageOf(cause)}`, 0, "", cause);
  }
}

interface Told {
  readonly type?: string;
  readonly object?: {
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly metadata?: { readonly resourceVersion?: unknown };
  };
}

function eventOf(line: string): WatchEvent {
  const { type, object } = parsed(line);
  if (type === "ERROR") throw new ApiError(object?.message ?? "the watch failed", object?.code ?? 0, object?.reason);
  const version = object?.metadata?.resourceVersion;
  if (!isType(type) || typeof version !== "string")
    throw new ApiError(`the watch told no event: ${line.slice(0, 100)}`, 0, malformed);
  return { type, object, version };
}

function parsed(line: string): Told {
  try {
    return (JSON.parse(line) ?? {}) as Told;
  } catch (cause) {
    throw new ApiError(`the watch told no event: ${line.slice(0, 100)}`, 0, malformed, cause);
  }
}

const types: ReadonlySet<unknown> = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]);
const isType = (type: unknown): type is WatchEvent["type"] => types.has(type);

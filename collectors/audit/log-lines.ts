import { type FileHandle, open } from "node:fs/promises";
import type { LogPosition } from "./log-position.ts";

/** Whole lines, and up to where they go. */
export interface LogLines {
  readonly lines: readonly string[];
  readonly position: LogPosition;
}

/** Told of bytes that nobody can read any more, or that are no line. */
export type OnSkipped = (bytes: number, why: "rotated" | "truncated" | "long") => void;

const chunkBytes = 1_048_576;
/** An event has two objects of at most 3 MiB. */
const maxLineBytes = 16_777_216;

/**
 * All whole lines from there on, if it is still that file which has this name: the log may be put aside at any moment. A file that is shorter
 * than that was emptied: it begins anew.
 */
export async function* linesOf(path: string, from: LogPosition, onSkipped: OnSkipped): AsyncGenerator<LogLines> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return;
  try {
    const { ino, size } = await file.stat();
    if (ino !== from.inode) return;
    if (size < from.offset) onSkipped(0, "truncated");
    let offset = size < from.offset ? 0 : from.offset;
    for (;;) {
      const read = await nextLines(file, offset);
      if (read === undefined) return;
      if (read.skipped > 0) onSkipped(read.skipped, "long");
      offset += read.bytes;
      yield { lines: read.lines, position: { inode: from.inode, offset } };
    }
  } finally {
    await file.close();
  }
}

interface Read {
  readonly lines: readonly string[];
  readonly bytes: number;
  readonly skipped: number;
}

/** Of a line that is not whole as yet, nothing; of one that is too long, that it is skipped. */
async function nextLines(file: FileHandle, offset: number): Promise<Read | undefined> {
  let most = chunkBytes;
  for (;;) {
    const buffer = Buffer.alloc(most);
    const { bytesRead } = await file.read(buffer, 0, most, offset);
    const end = buffer.lastIndexOf(0x0a, bytesRead - 1);
    if (bytesRead > 0 && end >= 0)
      return { lines: buffer.toString("utf8", 0, end).split("\n"), bytes: end + 1, skipped: 0 };
    if (bytesRead < most) return undefined;
    if (most >= maxLineBytes) return { lines: [], bytes: bytesRead, skipped: bytesRead };
    most *= 4;
  }
}

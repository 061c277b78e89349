import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { LogPosition } from "./log-position.ts";

/** Whole lines, and up to where they go. */
export interface LogLines {
  readonly lines: readonly string[];
  readonly position: LogPosition;
}

export interface LogTailOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Bytes that nobody can read any more, or that are no line. */
  readonly onSkipped: (bytes: number, why: "rotated" | "truncated" | "long") => void;
}

const pollMs = 250;
const chunkBytes = 1_048_576;
/** An event has two objects of at most 3 MiB. */
const maxLineBytes = 16_777_216;

/**
 * Follows an audit log as the API server writes it: `audit.log`, which it puts aside as `audit-TIME.log` once it is full, and begins anew.
 * A file is known by its inode, so what was put aside is read to its end, also after a restart; what lies there compressed is skipped.
 * Without a position it begins at the end, and says where that is: what was done before is nobody's news.
 */
export async function* followLog(
  { path, clock, onSkipped }: LogTailOptions,
  from: LogPosition | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogLines> {
  let position = from ?? (await endOf(path));
  if (from === undefined && position !== undefined) yield { lines: [], position };
  while (!signal.aborted) {
    const files = await filesOf(path);
    const at = files.findIndex(({ inode }) => inode === position?.inode);
    const [file, next] = at < 0 ? [undefined, files[0]] : [files[at], files[at + 1]];
    // Whoever sees the next file sees all that was written to this one.
    if (file !== undefined && position !== undefined)
      for await (const read of linesOf(file.path, position, onSkipped)) {
        position = read.position;
        if (read.lines.length > 0) yield read;
        if (signal.aborted) return;
      }
    else if (position !== undefined && next !== undefined) onSkipped(0, "rotated");
    if (next === undefined) await clock.sleep(pollMs, signal);
    else position = { inode: next.inode, offset: 0 };
  }
}

interface LogFile {
  readonly path: string;
  readonly inode: number;
}

/** All of the log that is there, the oldest first: rotated files have times in their names, and the live one comes last. */
async function filesOf(path: string): Promise<readonly LogFile[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const ending = extname(name);
  const stem = name.slice(0, name.length - ending.length);
  const names = await readdir(folder).catch(() => []);
  const rotated = names.filter((one) => one.startsWith(`${stem}-`) && one.endsWith(ending)).sort();
  const found = await Promise.all([...rotated, name].map((one) => fileAt(join(folder, one))));
  return found.filter((file) => file !== undefined);
}

async function fileAt(path: string): Promise<LogFile | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? { path, inode: found.ino } : undefined;
}

async function endOf(path: string): Promise<LogPosition | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : { inode: found.ino, offset: found.size };
}

/** All whole lines from there on. A file that is shorter than that was emptied: it begins anew. */
async function* linesOf(
  path: string,
  from: LogPosition,
  onSkipped: LogTailOptions["onSkipped"],
): AsyncGenerator<LogLines> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return;
  try {
    const { size } = await file.stat();
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

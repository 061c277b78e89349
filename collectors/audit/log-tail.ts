import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { type LogLines, linesOf, type OnSkipped } from "./log-lines.ts";
import type { LogPosition } from "./log-position.ts";

export interface LogTailOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly onSkipped: OnSkipped;
}

const pollMs = 250;

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

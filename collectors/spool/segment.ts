import { type Disk, writeAll } from "./disk.ts";
import type { Position } from "./position.ts";
import { decodeHeader, encodeHeader, maxHeaderBytes, type SegmentHeader } from "./segment-header.ts";

export interface Span {
  readonly start: number;
  readonly end: number;
}

const suffix = ".spool";

/** A file of frames, all of one epoch. */
export interface Segment {
  readonly number: number;
  readonly path: string;
  readonly header: SegmentHeader;
  readonly headerBytes: number;
  /** How far it is written; what may stand behind was left by a write that failed. */
  bytes: number;
  /** The number of its last record; undefined where another process wrote it and nobody read it yet. */
  last: number | undefined;
  /** When it was last written to, milliseconds. */
  writtenAt: number;
  /** What its records cover, microseconds; undefined as `last` is. */
  span: Span | undefined;
}

export function segmentPath(folder: string, number: number): string {
  return `${folder}/${String(number).padStart(10, "0")}${suffix}`;
}

/** Numbers of the segments among a folder's files, oldest first. */
export function segmentNumbers(files: readonly string[]): readonly number[] {
  return files
    .filter((file) => /^\d{10,15}\.spool$/.test(file))
    .map((file) => Number(file.slice(0, -suffix.length)))
    .sort((a, b) => a - b);
}

export function firstOf({ header: { epoch, first } }: Segment): Position {
  return { epoch, seq: first };
}

/** Creates a segment and opens it for writing. Neither its name nor its header is on the disk for sure then. */
export function createSegment(
  disk: Disk,
  folder: string,
  number: number,
  header: SegmentHeader,
): { readonly segment: Segment; readonly fd: number } {
  const path = segmentPath(folder, number);
  const encoded = encodeHeader(header);
  const fd = disk.create(path);
  try {
    writeAll(disk, fd, encoded, 0);
  } catch (thrown) {
    disk.close(fd);
    discard(disk, path);
    throw thrown;
  }
  const written = {
    headerBytes: encoded.length,
    bytes: encoded.length,
    last: header.first - 1,
    writtenAt: header.created,
  };
  return { fd, segment: { number, path, header, ...written, span: undefined } };
}

/** What is left of an attempt is recognised as nothing, but a disk that is full for an hour would leave thousands. */
function discard(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {
    // the next run removes it
  }
}

/** A segment that an earlier run left; undefined if it holds nothing that can be read. Throws DATA_VERSION. */
export function findSegment(disk: Disk, folder: string, number: number): Segment | undefined {
  const path = segmentPath(folder, number);
  const { bytes, modifiedMs } = disk.describe(path);
  const start = Buffer.alloc(Math.min(bytes, maxHeaderBytes));
  const fd = disk.open(path);
  try {
    disk.read(fd, start, start.length, 0);
  } finally {
    disk.close(fd);
  }
  const found = decodeHeader(start, path);
  if (found === undefined) return undefined;
  const { header, bytes: headerBytes } = found;
  return { number, path, header, headerBytes, bytes, last: undefined, writtenAt: modifiedMs, span: undefined };
}

export function union(a: Span | undefined, b: Span): Span {
  return a === undefined ? b : { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Clock, isoTime } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { RecordKind } from "../../core/records/codec.ts";
import { objectWriter } from "../live/jsonl.ts";

export interface JsonLinesFileOptions {
  readonly path: string;
  /** A file that has as much is put aside. */
  readonly maxBytes: number;
  /** So long one is written to at most. */
  readonly maxAgeMs: number;
  /** How many that were put aside stay, the newest; 0: all. */
  readonly keep: number;
  readonly clock: Clock;
}

interface Waiting {
  readonly text: string;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Records as JSON lines at the end of a file. Writing resolves when they are forced to the disk; what is written meanwhile goes with the next
 * force. A file that is full or old is renamed to `PATH.TIME`. After a crash the half of a line at the end, which was told nobody, is cut off.
 */
export class JsonLinesFile {
  readonly #options: JsonLinesFileOptions;
  #file: { readonly handle: FileHandle; bytes: number; readonly openedAt: number } | undefined;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;

  constructor(options: JsonLinesFileOptions) {
    this.#options = options;
  }

  of<T extends object>(kind: RecordKind): Sink<T> {
    const objectOf = objectWriter(kind);
    return {
      name: `file ${kind}`,
      write: (batch) => this.#append(batch.map((record) => `${JSON.stringify(objectOf(record))}\n`).join("")),
    };
  }

  async close(): Promise<void> {
    await this.#working;
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  #append(text: string): Promise<void> {
    if (text === "") return Promise.resolve();
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ text, done });
    this.#working ??= this.#work();
    return done.promise;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken = this.#waiting;
      this.#waiting = [];
      try {
        await this.#store(taken.map(({ text }) => text).join(""));
        for (const { done } of taken) done.resolve();
      } catch (thrown) {
        const failure = failed(this.#options.path, thrown);
        for (const { done } of taken) done.reject(failure);
      }
    }
    this.#working = undefined;
  }

  async #store(text: string): Promise<void> {
    this.#file ??= await this.#open();
    const before = this.#file.bytes;
    try {
      const data = Buffer.from(text);
      await this.#file.handle.appendFile(data);
      await this.#file.handle.datasync();
      this.#file.bytes += data.length;
    } catch (thrown) {
      await this.#giveUp(before);
      throw thrown;
    }
    const { maxBytes, maxAgeMs, clock } = this.#options;
    if (this.#file.bytes >= maxBytes || clock.now() - this.#file.openedAt >= maxAgeMs) await this.#putAside();
  }

  /** What was written of a batch that failed comes again whole, so it goes. */
  async #giveUp(bytes: number): Promise<void> {
    const handle = this.#file?.handle;
    this.#file = undefined;
    await handle?.truncate(bytes).catch(() => {}); // the next to open cuts off what is no line
    await handle?.close().catch(() => {});
  }

  async #open(): Promise<{ handle: FileHandle; bytes: number; openedAt: number }> {
    const { path, clock } = this.#options;
    const handle = await open(path, "a+", 0o640);
    const { size, birthtimeMs } = await handle.stat();
    const bytes = await wholeLines(handle, size);
    if (bytes < size) await handle.truncate(bytes);
    if (size === 0) await syncFolder(dirname(path));
    return { handle, bytes, openedAt: bytes === 0 ? clock.now() : birthtimeMs };
  }

  async #putAside(): Promise<void> {
    const { path, clock, keep } = this.#options;
    await this.#file?.handle.close();
    this.#file = undefined;
    const aside = await freeName(path, isoTime(clock.now()).replaceAll(/[-:]|\.\d+/g, ""));
    await rename(path, aside);
    await syncFolder(dirname(path));
    if (keep > 0) for (const old of (await asideOf(path)).slice(0, -keep)) await rm(old, { force: true });
  }
}

/** Bytes up to the end of the last line. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const piece = Buffer.alloc(65_536);
  for (let end = size; end > 0; end -= piece.length) {
    const start = Math.max(0, end - piece.length);
    const { bytesRead } = await handle.read(piece, 0, end - start, start);
    const at = piece.subarray(0, bytesRead).lastIndexOf(10);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}

/** Several may be put aside within a second; names sort by time, so one that was removed is not used again. */
async function freeName(path: string, moment: string): Promise<string> {
  const last = (await asideOf(path)).at(-1) ?? "";
  if (!last.startsWith(`${path}.${moment}`)) return `${path}.${moment}`;
  const number = Number(/-(\d{4})$/.exec(last)?.[1] ?? 0) + 1;
  return `${path}.${moment}-${String(number).padStart(4, "0")}`;
}

/** Files of this path that were put aside, the oldest first. */
async function asideOf(path: string): Promise<readonly string[]> {
  const names = await readdir(dirname(path));
  const ours = names.filter((name) => name.startsWith(`${basename(path)}.`) && /\.\d{8}T\d{6}Z(-\d{4})?$/.test(name));
  return ours.sort().map((name) => join(dirname(path), name));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function failed(path: string, cause: unknown): SluiceError {
  const message = `file ${path}: ${messageOf(cause)}`;
  return new SluiceError("SINK_FAILED", message, { cause, retriable: true, context: { path } });
}

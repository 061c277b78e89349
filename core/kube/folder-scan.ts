import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { FileScan, Scan } from "./folder-state.ts";

export interface ScannerOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Called for each folder before it is read, so that nothing that happens later is missed. `id`: which one it is. */
  readonly onFolder: (path: string, id: string) => void;
}

const manifestName = /^[^.].*\.(ya?ml|json)$/i;
/** A manifest beyond this is a mistake, not a manifest. */
const maxBytes = 64 * 1024 * 1024;
/** Files read at once. */
const fanOut = 16;
/** Two writes within a tick of the kernel's clock leave the same time (4-10 ms): so long, equal times prove nothing. */
const settledMs = 1_000;

/** Reads a folder again and again, and of its files those that may have changed. */
export class FolderScanner {
  readonly #options: ScannerOptions;
  /** Inode, size and times of files as they were last read, if these prove anything. */
  #stamps = new Map<string, string>();

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  async scan(): Promise<Scan> {
    const found: Found = { files: [], blind: new Map() };
    await this.#walk("", [], found);
    const files = new Map<string, FileScan>();
    const stamps = new Map<string, string>();
    for (let at = 0; at < found.files.length; at += fanOut) {
      const part = found.files.slice(at, at + fanOut);
      await Promise.all(part.map((file) => this.#read(file, files, stamps)));
    }
    this.#stamps = stamps;
    return { files, blind: found.blind };
  }

  /** Adds the manifests below a folder. `above`: ids of the folders it lies in, lest a link leads round in circles. */
  async #walk(folder: string, above: readonly string[], found: Found): Promise<void> {
    const path = join(this.#options.path, folder);
    try {
      const { dev, ino } = await stat(path, { bigint: true });
      const id = `${dev}:${ino}`;
      if (above.includes(id)) return;
      this.#options.onFolder(path, id);
      for (const entry of await readdir(path, { withFileTypes: true })) {
        const below = folder === "" ? entry.name : `${folder}/${entry.name}`;
        const isFolder =
          entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderLink(join(path, entry.name))));
        if (isFolder && !entry.name.startsWith(".")) await this.#walk(below, [...above, id], found);
        else if (!isFolder && manifestName.test(entry.name)) found.files.push(below);
      }
    } catch (thrown) {
      // A folder that vanished since its parent was read is no fault; the topmost has no parent that could tell.
      if (!isAbsence(thrown) || folder === "") found.blind.set(folder, messageOf(thrown));
    }
  }

  /** A file that has vanished is left out. */
  async #read(file: string, files: Map<string, FileScan>, stamps: Map<string, string>): Promise<void> {
    const path = join(this.#options.path, file);
    try {
      const before = await this.#stampOf(path);
      if (before.refusal !== null) files.set(file, { type: "unreadable", why: before.refusal });
      else if (before.text === this.#stamps.get(file)) files.set(file, { type: "same" });
      else files.set(file, { type: "text", text: decode(await readFile(path)) });
      if (before.settled) stamps.set(file, before.text);
    } catch (thrown) {
      if (!isAbsence(thrown)) files.set(file, { type: "unreadable", why: messageOf(thrown) });
    }
  }

  async #stampOf(path: string): Promise<{ text: string; settled: boolean; refusal: string | null }> {
    const stats = await stat(path, { bigint: true });
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stats;
    const age = Math.abs(this.#options.clock.now() - Number(ctimeMs));
    const refusal = !stats.isFile() ? "is no file" : size > maxBytes ? `is larger than ${maxBytes} bytes` : null;
    return { text: [dev, ino, size, mtimeNs, ctimeNs].join(":"), settled: age > settledMs, refusal };
  }
}

interface Found {
  readonly files: string[];
  readonly blind: Map<string, string>;
}

async function isFolderLink(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // leads nowhere: reading it as a file will tell
  }
}

function isAbsence(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}

/** Text of UTF-8; throws for bytes that are none. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

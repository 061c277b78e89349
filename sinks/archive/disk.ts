import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** What the archive does to folders and files, so that tests can make every step fail. Files themselves are written by DuckDB. */
export interface Disk {
  /** Names in a folder, sorted; none if there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes a folder and those above it, durably. */
  makeFolder(folder: string): Promise<void>;
  /** Forces a file's or folder's content to the disk. */
  sync(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Fine if there is no such file. */
  remove(file: string): Promise<void>;
  /** When an entry of the folder last changed, milliseconds. */
  changed(folder: string): Promise<number>;
  sha256(file: string): Promise<string>;
}

export const realDisk: Disk = {
  async list(folder) {
    try {
      return (await readdir(folder)).sort();
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw thrown;
    }
  },
  async makeFolder(folder) {
    const first = await mkdir(folder, { recursive: true });
    // A new folder is an entry of the one above, which must reach the disk as well.
    for (let at = folder; first !== undefined && at.length >= first.length; at = dirname(at))
      await syncPath(dirname(at));
  },
  sync: syncPath,
  rename,
  remove: (file) => rm(file, { force: true }),
  changed: async (folder) => (await stat(folder)).mtimeMs,
  async sha256(file) {
    const hash = createHash("sha256");
    for await (const part of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(part as Buffer);
    return hash.digest("hex");
  },
};

async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rename,
  renameSync,
  statSync,
  unlink,
  unlinkSync,
  writeSync,
} from "node:fs";

/** Told what the disk said if it refused. */
export type Answer = (failure: Error | null) => void;

/**
 * What the spool asks of the file system. Any of these may throw; the spool survives each. Synchronous, since what goes to the
 * page cache is not worth a thread's waking; but for what waits for the disk itself, which nothing else may. That is done in
 * the thread pool of libuv, which the collector starts before its worker enters a namespace (core/netlink/namespace.ts).
 */
export interface Disk {
  makeFolder(path: string): void;
  list(folder: string): readonly string[];
  describe(path: string): { readonly bytes: number; readonly modifiedMs: number };
  /** The whole of a small file. */
  load(path: string): Buffer;
  /** A new, empty file, open for writing. */
  create(path: string): number;
  open(path: string): number;
  read(fd: number, into: Uint8Array, length: number, position: number): number;
  /** May write less than it was given. */
  write(fd: number, bytes: Uint8Array, position: number): number;
  sync(fd: number): void;
  close(fd: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Makes what was created, renamed or removed in a folder durable (fsync(2) of the folder). */
  syncFolder(path: string): void;
  /** As those without `Later`, but nobody waits: `done` is called once. */
  syncLater(fd: number, done: Answer): void;
  syncFolderLater(path: string, done: Answer): void;
  renameLater(from: string, to: string, done: Answer): void;
  removeLater(path: string, done: Answer): void;
}

export const realDisk: Disk = {
  makeFolder: (path) => mkdirSync(path, { recursive: true }),
  list: (folder) => readdirSync(folder).sort(),
  describe: (path) => {
    const { size, mtimeMs } = statSync(path);
    return { bytes: size, modifiedMs: mtimeMs };
  },
  load: (path) => readFileSync(path),
  create: (path) => openSync(path, "w", 0o640),
  open: (path) => openSync(path, "r"),
  read: (fd, into, length, position) => readSync(fd, into, 0, length, position),
  write: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
  sync: fdatasyncSync,
  close: closeSync,
  rename: renameSync,
  remove: unlinkSync,
  syncFolder: (path) => {
    const fd = openSync(path, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  syncLater: fdatasync,
  syncFolderLater: (path, done) => {
    const fd = openSync(path, "r");
    fsync(fd, (failure) => {
      closeSync(fd);
      done(failure);
    });
  },
  renameLater: rename,
  removeLater: unlink,
};

/** Writes all of it; a short write is followed by another. */
export function writeAll(disk: Disk, fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    const count = disk.write(fd, bytes.subarray(written), position + written);
    if (count <= 0) throw new Error("nothing was written");
    written += count;
  }
}

import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";

/**
 * What the spool asks of the file system. Synchronous: it runs in the collector's worker, where the thread pool of libuv
 * must not be touched (core/netlink/namespace.ts). Any of these may throw; the spool survives each.
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
};

/** Writes all of it; a short write is followed by another. */
export function writeAll(disk: Disk, fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    const count = disk.write(fd, bytes.subarray(written), position + written);
    if (count <= 0) throw new Error("nothing was written");
    written += count;
  }
}

/** Replaces a file in one step: afterwards it holds the old bytes or the new ones. */
export function replaceFile(disk: Disk, folder: string, name: string, bytes: Uint8Array): void {
  const temporary = `${folder}/${name}.tmp`;
  const fd = disk.create(temporary);
  try {
    writeAll(disk, fd, bytes, 0);
    disk.sync(fd);
  } finally {
    disk.close(fd);
  }
  disk.rename(temporary, `${folder}/${name}`);
  disk.syncFolder(folder);
}

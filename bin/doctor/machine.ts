import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import koffi from "koffi";
import { systemClock } from "../../core/clock.ts";

/** What the checks may ask of a machine. Undefined: there is no such thing, or nobody may look. */
export interface Machine {
  read(path: string): string | undefined;
  list(folder: string): readonly string[];
  /** Standard output; undefined if the program does not start. */
  run(program: string, args: readonly string[]): { readonly status: number; readonly output: string } | undefined;
  hasLibrary(name: string): boolean;
  /** Of the folder, or the nearest one above that exists. */
  disk(folder: string): { readonly freeBytes: number; readonly writable: boolean } | undefined;
  nowMs(): number;
}

export const thisMachine: Machine = {
  read: (path) => attempt(() => readFileSync(path, "utf8")),
  list: (folder) => attempt(() => readdirSync(folder)) ?? [],
  run(program, args) {
    const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
    const options = {
      encoding: "utf8",
      timeout: 10_000,
      maxBuffer: 2 ** 26,
      env: { ...process.env, PATH: path },
    } as const;
    const { status, stdout, error } = spawnSync(program, args, options);
    return error !== undefined || status === null ? undefined : { status, output: stdout };
  },
  hasLibrary: (name) => attempt(() => koffi.load(name)) !== undefined,
  disk: (folder) => attempt(() => diskOf(existing(resolve(folder)))),
  nowMs: () => systemClock.now(),
};

function diskOf(folder: string): { freeBytes: number; writable: boolean } {
  const { bavail, bsize } = statfsSync(folder);
  return { freeBytes: bavail * bsize, writable: attempt(() => isWritable(folder)) ?? false };
}

function isWritable(folder: string): true {
  accessSync(folder, constants.W_OK);
  return true;
}

function existing(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder));
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

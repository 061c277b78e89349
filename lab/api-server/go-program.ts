import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";
import { lockFile } from "../../core/file-lock.ts";

// Programs in Go that link what only Go has. Each is built once per machine into a folder that git ignores, and named after its sources, so that a change
// of them builds anew.

const root = join(import.meta.dirname, "..", "..");

export interface GoSources {
  /** As messages call it. */
  readonly what: string;
  /** Of the program, below .cache. */
  readonly name: string;
  /** Of the module, below the repository. */
  readonly folder: string;
  /** All that decides what is built: files of the folder; and text beside. */
  readonly files: readonly string[];
  readonly also?: string;
  /** Flags of go build. */
  readonly flags: readonly string[];
  /** How long that takes, in words. */
  readonly takes: string;
}

/** Why the program cannot be had here; undefined if it can. */
export function lacksGoProgram(sources: GoSources): string | undefined {
  if (!existsSync(join(root, sources.folder))) return `the sources of ${sources.what} (${sources.folder}) are not here`;
  if (existsSync(programPath(sources))) return undefined;
  const { error } = spawnSync(goCommand(), ["version"]);
  return error === undefined ? undefined : `there is no Go (https://go.dev/dl) to build ${sources.what} with`;
}

/** The path of the program; builds it if it is not there, after any other process that does so. Throws LAB_FAILED. */
export async function goProgram(sources: GoSources, say: (line: string) => void): Promise<string> {
  const path = programPath(sources);
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const lock = await lockWhenFree(`${path}.lock`);
  try {
    if (!existsSync(path)) await build(sources, path, say);
  } finally {
    await lock.close();
  }
  return path;
}

async function lockWhenFree(path: string): Promise<FileHandle> {
  for (;;) {
    const lock = await lockFile(path);
    if (lock !== undefined) return lock;
    await systemClock.sleep(200);
  }
}

async function build(sources: GoSources, path: string, say: (line: string) => void): Promise<void> {
  say(`building ${sources.what} (once; ${sources.takes})`);
  const made = `${path}.made`;
  await run(goCommand(), ["build", "-trimpath", ...sources.flags, "-o", made, "."], sources);
  renameSync(made, path);
  say(`${sources.what} is built`);
}

function run(program: string, args: readonly string[], { folder, what }: GoSources): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: join(root, folder),
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "" },
    });
    const said: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) return resolve();
      const text = Buffer.concat(said).toString().slice(-2_000);
      reject(new SluiceError("LAB_FAILED", `${what} could not be built: ${text}`));
    });
  });
}

function programPath({ name, folder, files, also = "" }: GoSources): string {
  const hash = createHash("sha256").update(also);
  for (const file of files) hash.update(readFileSync(join(root, folder, file)));
  return join(root, ".cache", `${name}-${hash.digest("hex").slice(0, 12)}`);
}

/** Go is often installed where no PATH leads. */
function goCommand(): string {
  const usual = "/usr/local/go/bin/go";
  return spawnSync("go", ["version"]).error === undefined || !existsSync(usual) ? "go" : usual;
}

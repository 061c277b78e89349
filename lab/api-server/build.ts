import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";
import { lockFile } from "../../core/file-lock.ts";

// A real kube-apiserver for tests and the demo: one Go program that links the upstream servers. It is built once per machine, in minutes, into a folder
// that git ignores, and named after its sources, so that a change of them builds anew.

const root = join(import.meta.dirname, "..", "..");
const sources = join(root, "test", "support", "kube-server");
const kubernetes = "1.36.3";
/** All that decides what is built. */
const parts = ["go.mod", "go.sum", "main.go", "kcm.go"];

/** Why the server cannot be had here; undefined if it can. */
export function lacksApiServer(): string | undefined {
  if (!existsSync(sources)) return "the sources of the test API server (test/support/kube-server) are not here";
  if (existsSync(programPath())) return undefined;
  const { error } = spawnSync(goProgram(), ["version"]);
  return error === undefined ? undefined : "there is no Go (https://go.dev/dl) to build a Kubernetes API server with";
}

/** The path of the program; builds it if it is not there, after any other process that does so. Throws LAB_FAILED. */
export async function apiServerProgram(say: (line: string) => void): Promise<string> {
  const path = programPath();
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const lock = await lockWhenFree(`${path}.lock`);
  try {
    if (!existsSync(path)) await build(path, say);
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

async function build(path: string, say: (line: string) => void): Promise<void> {
  say(`building a Kubernetes ${kubernetes} API server (once; about five minutes)`);
  const version = "k8s.io/component-base/version";
  const [, minor] = kubernetes.split(".");
  const set = { gitVersion: `v${kubernetes}`, gitMajor: "1", gitMinor: minor, gitTreeState: "clean" };
  const flags = Object.entries(set).map(([name, value]) => `-X ${version}.${name}=${value}`);
  const made = `${path}.made`;
  const args = ["build", "-trimpath", "-tags", "kcm", "-ldflags", ["-s -w", ...flags].join(" "), "-o", made, "."];
  await run(goProgram(), args);
  renameSync(made, path);
  say("the Kubernetes API server is built");
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: sources, env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "" } });
    const said: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) return resolve();
      const text = Buffer.concat(said).toString().slice(-2_000);
      reject(new SluiceError("LAB_FAILED", `the Kubernetes API server could not be built: ${text}`));
    });
  });
}

function programPath(): string {
  const hash = createHash("sha256").update(kubernetes);
  for (const part of parts) hash.update(readFileSync(join(sources, part)));
  return join(root, ".cache", "api-server", `kube-apiserver-${hash.digest("hex").slice(0, 12)}`);
}

/** Go is often installed where no PATH leads. */
function goProgram(): string {
  const usual = "/usr/local/go/bin/go";
  return spawnSync("go", ["version"]).error === undefined || !existsSync(usual) ? "go" : usual;
}

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { systemClock } from "../../core/clock.ts";

/** A process that goes on when this one ends, and how to know it again: ids are used anew, begin times are not. */
export interface Running {
  readonly pid: number;
  /** Clock ticks between boot and its start; proc_pid_stat(5), field 22. */
  readonly start: string;
}

/** Runs a program to its end; its output is in the error if it fails. */
export function runToEnd(program: string, args: readonly string[], folder?: string): string {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: "pipe", cwd: folder });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${program} failed: ${(stdout + stderr).slice(-3000) || String(cause)}`, { cause });
  }
}

export function launch(program: string, args: readonly string[], log: string): ChildProcess {
  mkdirSync(dirname(log), { recursive: true });
  const file = openSync(log, "w");
  const child = spawn(program, args, { detached: true, stdio: ["ignore", file, file] });
  child.unref();
  closeSync(file);
  return child;
}

/**
 * Resolves when the probe says true; fails with the end of its log if the process ends before, or after three minutes, which a machine with much else to do may
 * take; then it is ended.
 */
export async function untilReady(child: ChildProcess, log: string, probe: () => Promise<boolean>): Promise<Running> {
  const spawned = Promise.withResolvers<never>();
  child.once("error", spawned.reject);
  const probed = async () => {
    const end = systemClock.monotonic() + 180_000;
    while (child.exitCode === null && systemClock.monotonic() < end) {
      if (await probe().catch(() => false)) return;
      await systemClock.sleep(50);
    }
    child.kill("SIGKILL");
    throw new Error(`${child.spawnfile} did not come up:\n${readFileSync(log, "utf8").slice(-3000)}`);
  };
  await Promise.race([probed(), spawned.promise]);
  const pid = child.pid as number;
  return { pid, start: startOf(pid) as string };
}

export function isAlive({ pid, start }: Running): boolean {
  return startOf(pid) === start;
}

/** Asks it to end, and ends it after ten seconds; or at once by SIGKILL. Resolves when it is gone. */
export async function stop(running: Running, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
  if (!isAlive(running)) return;
  process.kill(running.pid, signal);
  for (let turn = 0; turn < 200 && isAlive(running); turn++) await systemClock.sleep(50);
  if (isAlive(running)) await stop(running, "SIGKILL");
}

/** MiB of memory it holds. */
export function memoryOf({ pid }: Running): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kib) / 1024);
}

/** The kernel may tell a port again while nobody listens there yet. */
const given = new Set<number>();

export async function freePort(): Promise<number> {
  const port = await somePort();
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}

function somePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** The name in brackets may hold anything, brackets too. A zombie has ended. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

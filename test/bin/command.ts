import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));

/** A run of `sluice` and what it has printed so far. */
export interface Run {
  readonly process: ChildProcess;
  readonly printed: { out: string; err: string };
  /** Resolves with the exit code (null after a signal) once everything printed was read. */
  readonly ended: Promise<number | null>;
}

/** Where runs of this process keep their records, unless told otherwise. */
const data = mkdtempSync(join(tmpdir(), "sluice-data-"));
process.on("exit", () => rmSync(data, { recursive: true, force: true }));
let runs = 0;

/** Starts `sluice` as a person would, but without what their environment sets. */
export function sluice(...args: readonly string[]): Run {
  return sluiceTo("pipe", ...args);
}

/** The same with a standard input to write to. */
export function sluiceFed(...args: readonly string[]): Run {
  return start("pipe", "pipe", args);
}

/** The same with another standard output, which is not read here. */
export function sluiceTo(stdout: "pipe" | number, ...args: readonly string[]): Run {
  return start("ignore", stdout, args);
}

function start(stdin: "pipe" | "ignore", stdout: "pipe" | number, args: readonly string[]): Run {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_")));
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...env, NODE_COMPILE_CACHE: join(data, "compiled"), SLUICE_DATA_FOLDER: join(data, `${runs++}`) },
    stdio: [stdin, stdout, "pipe"],
  });
  const printed = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    printed.err += text;
  });
  return { process: child, printed, ended: once(child, "close").then(([code]) => code as number | null) };
}

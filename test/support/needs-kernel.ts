import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/**
 * For a describe that works in real network namespaces: skips it, saying why, where that cannot work; fails it there if CI
 * is set. `programs` are called with `--version`.
 */
export function needsKernel(...programs: readonly string[]): void {
  skipsFor(() => missing(programs));
}

/** The same for a device file of the kernel. */
export function needsDevice(path: string): void {
  skipsFor(() => (existsSync(path) ? undefined : `there is no ${path}`));
}

function skipsFor(reasonOf: () => string | undefined): void {
  before(function () {
    const reason = reasonOf();
    if (reason === undefined) return;
    if (process.env["CI"] !== undefined) throw new Error(`${reason}, and CI is set`);
    console.log(`skipped: ${reason}`);
    this.skip();
  });
}

function missing(programs: readonly string[]): string | undefined {
  if (process.geteuid?.() !== 0) return "network namespaces need root";
  const absent = ["ip", ...programs].find((program) => !starts(program));
  return absent === undefined ? undefined : `the program ${absent} is not there`;
}

function starts(program: string): boolean {
  try {
    execFileSync(program, [program === "ip" ? "-V" : "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

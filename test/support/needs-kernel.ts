import { execFileSync } from "node:child_process";

/**
 * For a describe that works in real network namespaces: skips it, saying why, where that cannot work; fails it there if CI
 * is set. `programs` are called with `--version`.
 */
export function needsKernel(...programs: readonly string[]): void {
  before(function () {
    const reason = missing(programs);
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

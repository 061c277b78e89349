import { accessSync } from "node:fs";

/** For a describe that brings up a lab: skips it, saying why, where that cannot work; fails it there if CI is set. */
export function needsLab(): void {
  before(function () {
    const reason = missing();
    if (reason === undefined) return;
    if (process.env["CI"] !== undefined) throw new Error(`${reason}, and CI is set`);
    console.log(`skipped: ${reason}`);
    this.skip();
  });
}

function missing(): string | undefined {
  if (process.geteuid?.() !== 0) return "the lab needs root";
  if (!exists("/proc/self/ns/net")) return "the kernel has no network namespaces (CONFIG_NET_NS)";
  return ["ip", "nft"].map(missingProgram).find((reason) => reason !== undefined);
}

function missingProgram(name: string): string | undefined {
  const folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", ...(process.env["PATH"] ?? "").split(":")];
  return folders.some((folder) => exists(`${folder}/${name}`)) ? undefined : `the lab needs the program ${name}`;
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programOf } from "../../scripts/services/java.ts";

/** A program that a test asks, and the Debian packages that hold it and its libraries. */
export interface DebianProgram {
  readonly program: string;
  readonly packages: readonly string[];
}

/** How to start it, and the environment that its libraries need. */
export interface FoundProgram {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where its packages were unpacked; absent if it is installed. */
  readonly root?: string;
}

const folder = join(import.meta.dirname, "..", "..", ".cache", "debian");

/**
 * For a describe that asks a program of another project: the one that is installed, else that of Debian's packages, fetched once and
 * unpacked beside the checkout, so that nothing is installed or started. Where that cannot be the describe is skipped, saying why, and fails if CI is set.
 */
export function needsProgram(wanted: DebianProgram): () => FoundProgram {
  let found: FoundProgram | undefined;
  before(function () {
    this.timeout(120_000); // packages may have to be fetched
    found = installed(wanted) ?? unpacked(wanted);
    if (found !== undefined) return;
    const reason = `${wanted.program} is not there, and apt-get cannot fetch ${wanted.packages.join(", ")}`;
    if (process.env["CI"] !== undefined) throw new Error(`${reason}, and CI is set`);
    console.log(`skipped: ${reason}`);
    this.skip();
  });
  return () => found as FoundProgram;
}

function installed({ program }: DebianProgram): FoundProgram | undefined {
  const path = programOf(program);
  return path === undefined ? undefined : { path, env: process.env };
}

function unpacked({ program, packages }: DebianProgram): FoundProgram | undefined {
  const root = join(folder, program);
  const stamp = join(root, ".unpacked");
  if (!existsSync(stamp)) {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    if (!fetched(packages, root)) return undefined;
    writeFileSync(stamp, "");
  }
  const path = ["usr/bin", "usr/sbin"].map((place) => join(root, place, program)).find((file) => existsSync(file));
  if (path === undefined) return undefined;
  const libraries = globSync(join(root, "{usr/,}lib", "*-linux-gnu"));
  return { path, root, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":") } };
}

function fetched(packages: readonly string[], root: string): boolean {
  const call = (name: string, ...args: readonly string[]) =>
    execFileSync(name, args, { cwd: root, stdio: "ignore", timeout: 100_000 });
  try {
    try {
      call("apt-get", "download", ...packages);
    } catch {
      call("apt-get", "update"); // the lists of a fresh image are empty
      call("apt-get", "download", ...packages);
    }
    for (const file of readdirSync(root).filter((name) => name.endsWith(".deb"))) {
      call("dpkg-deb", "-x", file, root);
      rmSync(join(root, file));
    }
    return true;
  } catch {
    return false;
  }
}

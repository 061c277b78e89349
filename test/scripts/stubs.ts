import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A checkout with scripts of ours and, before everything else in PATH, programs that only pretend. */
export class Checkout {
  readonly path = mkdtempSync(join(tmpdir(), "sluice-checkout-"));

  /** Copies a script of the repository. */
  copy(file: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    copyFileSync(join(repository, file), join(this.path, file));
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    writeFileSync(join(this.path, file), text);
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), "utf8");
  }

  /** A program of this name in PATH; every call is noted with its arguments in the file `calls`. */
  stub(name: string, body: string): void {
    const path = join(this.path, "stubs", basename(name));
    this.write(join("stubs", name), `#!/bin/sh\necho "${name} $*" >>"${this.path}/calls"\n${body}\n`);
    chmodSync(path, 0o755);
  }

  /** The calls of stubs so far. */
  get calls(): readonly string[] {
    try {
      return this.read("calls").trimEnd().split("\n");
    } catch {
      return []; // none yet
    }
  }

  /** Runs a command in the checkout. */
  run(command: string, ...args: string[]): { readonly code: number | null; readonly output: string } {
    const env = { ...process.env, PATH: `${join(this.path, "stubs")}:${process.env["PATH"]}` };
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: this.path, env, encoding: "utf8" });
    return { code: status, output: stdout + stderr };
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

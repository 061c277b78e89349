import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system of so many MiB in memory, which really is full when it is. Needs root. */
export class SmallDisk {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-small-disk-"));
  readonly #mib: number;
  #isMounted = false;

  constructor(mib: number) {
    this.#mib = mib;
  }

  mount(): void {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${this.#mib}m`, "sluice-test", this.folder]);
    this.#isMounted = true;
  }

  unmount(): void {
    if (this.#isMounted) execFileSync("umount", [this.folder]);
    this.#isMounted = false;
    rmdirSync(this.folder);
  }

  /** Takes all the room that is left. */
  fill(): void {
    const fd = openSync(this.#ballast, "a");
    const page = Buffer.alloc(4096);
    try {
      while (writeSync(fd, page) > 0);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
    } finally {
      closeSync(fd);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#ballast);
  }

  get #ballast(): string {
    return join(this.folder, "ballast");
  }
}

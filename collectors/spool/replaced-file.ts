import { type Disk, writeAll } from "./disk.ts";
import { type SlowCalls, until } from "./slow-calls.ts";

// Forcing a large file to the disk takes as long as all of it takes, so it is done in parts.
const syncedBytes = 4 * 1024 * 1024;

/**
 * A file that is replaced in one step, when all of it was written: afterwards it holds the old bytes or the new ones. What
 * waits for the disk yields until it is done.
 */
export class ReplacedFile {
  readonly #disk: Disk;
  readonly #calls: SlowCalls;
  readonly #folder: string;
  readonly #name: string;
  readonly #fd: number;
  #bytes = 0;
  #synced = 0;
  #open = true;

  constructor(disk: Disk, calls: SlowCalls, folder: string, name: string) {
    this.#disk = disk;
    this.#calls = calls;
    this.#folder = folder;
    this.#name = name;
    this.#fd = disk.create(this.#temporary);
  }

  *write(bytes: Uint8Array): Generator<void> {
    writeAll(this.#disk, this.#fd, bytes, this.#bytes);
    this.#bytes += bytes.length;
    if (this.#bytes - this.#synced < syncedBytes) return;
    yield* until(this.#calls.sync(this.#fd));
    this.#synced = this.#bytes;
  }

  /** Puts it into its place. */
  *complete(): Generator<void> {
    yield* until(this.#calls.sync(this.#fd));
    this.close();
    yield* until(this.#calls.rename(this.#temporary, `${this.#folder}/${this.#name}`));
    yield* until(this.#calls.syncFolder(this.#folder));
  }

  /** Gives up what is not complete. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#calls.close(this.#fd);
  }

  get #temporary(): string {
    return `${this.#folder}/${this.#name}.tmp`;
  }
}

/** Replaces a small file in one step. */
export function* replacingFile(
  disk: Disk,
  calls: SlowCalls,
  folder: string,
  name: string,
  bytes: Uint8Array,
): Generator<void> {
  const file = new ReplacedFile(disk, calls, folder, name);
  try {
    yield* file.write(bytes);
    yield* file.complete();
  } finally {
    file.close();
  }
}

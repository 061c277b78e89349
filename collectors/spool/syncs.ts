import type { Disk } from "./disk.ts";

/** Whether it is on the disk by now. Throws why it is not, if the disk refused. */
export type Durable = () => boolean;

/** Ways to force to the disk what was written. */
export interface Syncs {
  file(fd: number): Durable;
  folder(path: string): Durable;
  /** Closes a file when what was asked for before is done. */
  close(fd: number): void;
}

/** The caller's thread waits for each. */
export function waitingSyncs(disk: Disk): Syncs {
  const durable = () => true;
  return {
    file: (fd) => {
      disk.sync(fd);
      return durable;
    },
    folder: (path) => {
      disk.syncFolder(path);
      return durable;
    },
    close: (fd) => disk.close(fd),
  };
}

type Start = (done: (failure: Error | null) => void) => void;

/**
 * Beside what the thread does, one after another as asked: a disk that takes long holds up one thread of libuv's pool for each
 * spool, and what is written after something else is not forced to the disk before it.
 */
export class QueuedSyncs implements Syncs {
  readonly #disk: Disk;
  #waiting: (() => void)[] = [];
  #busy = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  file(fd: number): Durable {
    return this.#ask((done) => this.#disk.syncLater(fd, done));
  }

  folder(path: string): Durable {
    return this.#ask((done) => this.#disk.syncFolderLater(path, done));
  }

  close(fd: number): void {
    if (!this.#busy) this.#disk.close(fd);
    else
      this.#ask((done) => {
        this.#disk.close(fd);
        done(null);
      });
  }

  #ask(start: Start): Durable {
    let outcome: Error | null | undefined;
    const done = (failure: Error | null) => {
      outcome = failure;
      this.#busy = false;
      this.#next();
    };
    this.#waiting.push(() => begin(start, done));
    this.#next();
    return () => {
      if (outcome instanceof Error) throw outcome;
      return outcome === null;
    };
  }

  #next(): void {
    if (this.#busy) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#busy = true;
    next();
  }
}

/** What fails at once is told as what fails later. */
function begin(start: Start, done: (failure: Error | null) => void): void {
  try {
    start(done);
  } catch (thrown) {
    done(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}

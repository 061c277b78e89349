import type { Answer, Disk } from "./disk.ts";

/** Whether it is done by now. Throws why it is not, if the disk refused. */
export type Done = () => boolean;

/** Calls that may wait for the disk: what forces something to it, and what waits for the file system's journal meanwhile. */
export interface SlowCalls {
  sync(fd: number): Done;
  syncFolder(path: string): Done;
  rename(from: string, to: string): Done;
  remove(path: string): Done;
  /** Closes a file when what was asked for before is done. */
  close(fd: number): void;
}

/** The caller's thread waits for each. */
export function waitingCalls(disk: Disk): SlowCalls {
  const waited = (call: () => void): Done => {
    call();
    return () => true;
  };
  return {
    sync: (fd) => waited(() => disk.sync(fd)),
    syncFolder: (path) => waited(() => disk.syncFolder(path)),
    rename: (from, to) => waited(() => disk.rename(from, to)),
    remove: (path) => waited(() => disk.remove(path)),
    close: (fd) => disk.close(fd),
  };
}

type Start = (done: Answer) => void;

/**
 * Beside what the thread does, one after another as asked: a disk that takes long holds up one thread of libuv's pool for each
 * spool, and what is written after something else is not forced to the disk before it.
 */
export class QueuedCalls implements SlowCalls {
  readonly #disk: Disk;
  #waiting: (() => void)[] = [];
  #busy = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Something that was asked for is not done yet. */
  get busy(): boolean {
    return this.#busy;
  }

  sync(fd: number): Done {
    return this.#ask((done) => this.#disk.syncLater(fd, done));
  }

  syncFolder(path: string): Done {
    return this.#ask((done) => this.#disk.syncFolderLater(path, done));
  }

  rename(from: string, to: string): Done {
    return this.#ask((done) => this.#disk.renameLater(from, to, done));
  }

  remove(path: string): Done {
    return this.#ask((done) => this.#disk.removeLater(path, done));
  }

  close(fd: number): void {
    if (!this.#busy) this.#disk.close(fd);
    else
      this.#ask((done) => {
        this.#disk.close(fd);
        done(null);
      });
  }

  #ask(start: Start): Done {
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
function begin(start: Start, done: Answer): void {
  try {
    start(done);
  } catch (thrown) {
    done(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}

export function* until(done: Done): Generator<void> {
  while (!done()) yield;
}

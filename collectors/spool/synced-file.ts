import type { Done, SlowCalls } from "./slow-calls.ts";

/** A new file that is written to, and what of it may not be on the disk yet: its bytes, and its name in the folder. */
export class SyncedFile {
  readonly fd: number;
  readonly #folder: string;
  #named = false;
  /** Something was written since it was asked for last. */
  #dirty = true;
  #asked: Done | undefined;

  constructor(fd: number, folder: string) {
    this.fd = fd;
    this.#folder = folder;
  }

  /** All that was written is on the disk, as far as is known. */
  get durable(): boolean {
    return !this.#dirty && this.#asked === undefined;
  }

  written(): void {
    this.#dirty = true;
  }

  /** Asks for what was written so far, unless an answer is still awaited. */
  sync(calls: SlowCalls): void {
    if (this.#asked === undefined) this.syncLast(calls);
  }

  /** Asks for it in any case: nothing more will be written. */
  syncLast(calls: SlowCalls): void {
    if (!this.#dirty) return;
    const before = this.#asked ?? (this.#named ? undefined : calls.syncFolder(this.#folder));
    const bytes = calls.sync(this.fd);
    this.#dirty = false;
    this.#asked = () => (before === undefined || before()) && bytes();
  }

  /** Takes the answer in, if there is one. Throws what the disk said; all is to be asked for again then. */
  settle(): void {
    try {
      if (this.#asked?.() !== true) return;
      this.#named = true;
    } catch (thrown) {
      this.#dirty = true;
      this.#asked = undefined;
      throw thrown;
    }
    this.#asked = undefined;
  }

  /** Waits for it. */
  syncNow(waiting: SlowCalls): void {
    this.#dirty ||= this.#asked !== undefined;
    this.#asked = undefined;
    this.sync(waiting);
    this.settle();
  }
}

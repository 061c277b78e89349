import { type Disk, writeAll } from "./disk.ts";

// Room on the disk that is given up when it is full: what says which segments can be removed has to be written first.
const name = "reserve";

/** A file of zeros, in a spool's folder. */
export class Reserve {
  readonly bytes: number;
  readonly #disk: Disk;
  readonly #path: string;
  #held: boolean;

  constructor(disk: Disk, folder: string, bytes: number) {
    this.#disk = disk;
    this.#path = `${folder}/${name}`;
    this.bytes = bytes;
    this.#held = disk.list(folder).includes(name);
  }

  /** Takes the room if there is any and it is not taken. */
  hold(): void {
    if (this.#held) return;
    try {
      this.#take();
      this.#held = true;
    } catch {
      // a disk without room for it is in nobody's way until something else does not fit, and that is told
    }
  }

  /** Gives the room up; false if there is none. */
  release(): boolean {
    if (!this.#held) return false;
    this.#held = false;
    this.#disk.remove(this.#path);
    return true;
  }

  #take(): void {
    const fd = this.#disk.create(this.#path);
    try {
      writeAll(this.#disk, fd, new Uint8Array(this.bytes), 0);
    } catch (thrown) {
      this.#disk.remove(this.#path);
      throw thrown;
    } finally {
      this.#disk.close(fd);
    }
  }
}

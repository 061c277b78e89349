import type { Answer, Disk } from "../../../collectors/spool/disk.ts";

/** Files in memory. `failing` decides before each call whether the disk refuses it; numbered from 1. */
export class MemoryDisk implements Disk {
  readonly files: Map<string, Buffer>;
  failing: (call: string, number: number) => boolean = () => false;
  calls = 0;
  /** How many bytes all files together may have. */
  capacity = Number.POSITIVE_INFINITY;
  /** How what is asked for later goes on: at once, unless a test holds it back. */
  later: (answer: () => void) => void = (answer) => answer();
  readonly #open = new Map<number, string>();
  #nextFd = 3;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    this.files = new Map([...files].map(([path, bytes]) => [path, Buffer.from(bytes)]));
  }

  get openFiles(): number {
    return this.#open.size;
  }

  makeFolder(): void {
    this.#call("makeFolder");
  }

  list(folder: string): readonly string[] {
    this.#call("list");
    return [...this.files.keys()].map((path) => path.slice(folder.length + 1)).sort();
  }

  describe(path: string) {
    this.#call("describe");
    return { bytes: this.#file(path).length, modifiedMs: 0 };
  }

  load(path: string): Buffer {
    this.#call("load");
    return Buffer.from(this.#file(path));
  }

  create(path: string): number {
    this.#call("create");
    this.files.set(path, Buffer.alloc(0));
    return this.#opened(path);
  }

  open(path: string): number {
    this.#call("open");
    this.#file(path);
    return this.#opened(path);
  }

  read(fd: number, into: Uint8Array, length: number, position: number): number {
    this.#call("read");
    const part = this.#file(this.#pathOf(fd)).subarray(position, position + length);
    into.set(part);
    return part.length;
  }

  /** A disk that gets full takes what fits, and then refuses. */
  write(fd: number, bytes: Uint8Array, position: number): number {
    this.#call("write");
    const path = this.#pathOf(fd);
    const old = this.#file(path);
    const others = [...this.files.values()].reduce((sum, { length }) => sum + length, 0) - old.length;
    const count = Math.min(bytes.length, this.capacity - others - position);
    if (count <= 0) throw new Error("ENOSPC: no space left on device");
    const grown = Buffer.alloc(Math.max(old.length, position + count));
    old.copy(grown);
    grown.set(bytes.subarray(0, count), position);
    this.files.set(path, grown);
    return count;
  }

  sync(): void {
    this.#call("sync");
  }

  close(fd: number): void {
    this.#open.delete(fd);
    this.#call("close");
  }

  rename(from: string, to: string): void {
    this.#call("rename");
    this.files.set(to, this.#file(from));
    this.files.delete(from);
  }

  remove(path: string): void {
    this.#call("remove");
    this.#file(path);
    this.files.delete(path);
  }

  syncFolder(): void {
    this.#call("syncFolder");
  }

  syncLater(fd: number, done: Answer): void {
    this.#answer(done, () => {
      this.#pathOf(fd);
      this.#call("syncLater");
    });
  }

  syncFolderLater(_path: string, done: Answer): void {
    this.#answer(done, () => this.#call("syncFolderLater"));
  }

  renameLater(from: string, to: string, done: Answer): void {
    this.#answer(done, () => this.rename(from, to));
  }

  removeLater(path: string, done: Answer): void {
    this.#answer(done, () => this.remove(path));
  }

  #answer(done: Answer, work: () => void): void {
    this.later(() => {
      let failure: Error | null = null;
      try {
        work();
      } catch (thrown) {
        failure = thrown as Error;
      }
      done(failure);
    });
  }

  #call(call: string): void {
    this.calls++;
    if (this.failing(call, this.calls)) throw new Error(`EIO: ${call}`);
  }

  #opened(path: string): number {
    this.#open.set(this.#nextFd, path);
    return this.#nextFd++;
  }

  #pathOf(fd: number): string {
    const path = this.#open.get(fd);
    if (path === undefined) throw new Error("EBADF: not open");
    return path;
  }

  #file(path: string): Buffer {
    const file = this.files.get(path);
    if (file === undefined) throw new Error(`ENOENT: ${path}`);
    return file;
  }
}

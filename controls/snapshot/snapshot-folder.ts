// <folder>/snapshot   what the change log knows, and has to tell (snapshot-text.ts)
// <folder>/watched    until when it surely watched: a time
// <folder>/LOCK       locked by the process that writes
import { chmod } from "node:fs/promises";
import { isoTime, parseTime } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { lockFile } from "../../core/file-lock.ts";
import { makePrivateFolder, readPrivateFile, writePrivateFile } from "../../core/private-file.ts";
import { type Found, parseSnapshot, type Snapshot, snapshotText } from "./snapshot-text.ts";

const maxBytes = 536_870_912;

/** Where a change log keeps what it knows; one log a folder. */
export class SnapshotFolder {
  readonly #path: string;
  #lock: Awaited<ReturnType<typeof lockFile>>;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined where nothing was kept yet. Throws DATA_IN_USE, STORE_FAILED, or SNAPSHOT_INVALID: then it may be written anew. */
  async open(): Promise<Found | undefined> {
    try {
      await makePrivateFolder(this.#path);
      await chmod(this.#path, 0o700);
      this.#lock = await lockFile(`${this.#path}/LOCK`);
    } catch (cause) {
      throw new SluiceError("STORE_FAILED", `cannot use ${this.#path}: ${messageOf(cause)}`, { cause });
    }
    if (this.#lock === undefined)
      throw new SluiceError("DATA_IN_USE", `another change log keeps what it knows in ${this.#path}`);
    const [text, watched] = [await this.#read("snapshot"), await this.#read("watched")];
    if (text === undefined) return undefined;
    const until = parseTime(watched?.trim() ?? "");
    if (until === undefined)
      throw new SluiceError("SNAPSHOT_INVALID", `${this.#path}/watched does not say until when somebody watched`);
    return { ...parseSnapshot(text), until };
  }

  /** On disk when it resolves. */
  async write(snapshot: Snapshot, now: number): Promise<void> {
    await this.watched(now);
    await writePrivateFile(`${this.#path}/snapshot`, snapshotText(snapshot));
  }

  /** Nothing else is new. */
  watched(now: number): Promise<void> {
    return writePrivateFile(`${this.#path}/watched`, `${isoTime(now)}\n`);
  }

  async close(): Promise<void> {
    await this.#lock?.close();
  }

  #read(name: string): Promise<string | undefined> {
    return readPrivateFile(`${this.#path}/${name}`, { code: "SNAPSHOT_INVALID", maxBytes });
  }
}

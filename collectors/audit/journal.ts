import { type FileHandle, open, rename } from "node:fs/promises";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Deed } from "../../core/kube/deed.ts";
import { textIn, within } from "../../core/kube/field.ts";
import { makePrivateFolder, readPrivateFile } from "../../core/private-file.ts";

/** What one event told. */
export interface Told {
  readonly key: string;
  readonly deeds: readonly Deed[];
}

/** Of each of the two files, but for the batch that fills it. */
const maxBytes = 16_777_216;
const mostBytes = 536_870_912;

/**
 * `<folder>/deeds.jsonl` and, once it is full, `deeds.1.jsonl`: what was told lately, on disk before whoever told it hears that it was taken.
 * After a restart it says what is known already, and who did what nobody has looked at yet.
 */
export class Journal {
  readonly #folder: string;
  #file: FileHandle | undefined;
  #bytes = 0;
  /** It may end in the middle of a line: power went, or the disk was full. */
  #isCut = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What is kept, the oldest first. Throws STORE_FAILED. */
  async open(): Promise<readonly Told[]> {
    await makePrivateFolder(this.#folder);
    const kept = [await this.#read(this.#older), await this.#read(this.#path)].flat();
    await this.#openFile();
    return kept;
  }

  /** On disk when it resolves. Throws STORE_FAILED. */
  async append(told: readonly Told[]): Promise<void> {
    if (told.length === 0) return;
    // What cannot be put aside grows no further, however often the same comes again.
    if (this.#bytes > maxBytes) await this.#rotate();
    await this.#write(told.map((one) => `${JSON.stringify(one)}\n`).join(""));
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  get #path(): string {
    return `${this.#folder}/deeds.jsonl`;
  }

  get #older(): string {
    return `${this.#folder}/deeds.1.jsonl`;
  }

  async #openFile(): Promise<void> {
    try {
      this.#file = await open(this.#path, "a", 0o600);
      this.#bytes = (await this.#file.stat()).size;
    } catch (cause) {
      throw this.#failed("opened", cause);
    }
    this.#isCut = this.#bytes > 0;
  }

  async #write(lines: string): Promise<void> {
    if (this.#file === undefined) throw new Error("the journal is not open");
    const text = this.#isCut ? `\n${lines}` : lines;
    this.#isCut = true;
    try {
      await this.#file.appendFile(text);
      await this.#file.datasync();
    } catch (cause) {
      throw this.#failed("written", cause);
    }
    this.#isCut = false;
    this.#bytes += Buffer.byteLength(text);
  }

  async #rotate(): Promise<void> {
    try {
      await this.close();
      await rename(this.#path, this.#older);
    } catch (cause) {
      throw this.#failed("put aside", cause);
    } finally {
      await this.#openFile();
    }
  }

  #failed(what: string, cause: unknown): SluiceError {
    const message = `${this.#path} cannot be ${what}: ${messageOf(cause)}`;
    return new SluiceError("STORE_FAILED", message, { cause, retriable: true });
  }

  async #read(path: string): Promise<readonly Told[]> {
    const text = (await readPrivateFile(path, { code: "STORE_FAILED", maxBytes: mostBytes })) ?? "";
    return text.split("\n").flatMap(toldIn);
  }
}

/** The file is ours alone; only its last line may be a part of one. */
function toldIn(line: string): readonly Told[] {
  try {
    const value: unknown = JSON.parse(line);
    return textIn(value, "key") !== undefined && Array.isArray(within(value, "deeds")) ? [value as Told] : [];
  } catch {
    return [];
  }
}

import { messageOf, SluiceError } from "../../core/errors.ts";

/** What of a Writable we use; process.stdout is one. */
export interface TextStream {
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * Writes text and waits until it is taken. When the reader has gone (`sluice up | head`) writing goes on quietly to nowhere and
 * `closed` aborts, so that the command can end.
 */
export class Output {
  readonly #stream: TextStream;
  readonly #closed = new AbortController();

  constructor(stream: TextStream) {
    this.#stream = stream;
    // The failure is told to the writer below; without a listener it would end the process as well.
    stream.on("error", (error) => this.#note(error));
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async write(text: string): Promise<void> {
    if (text === "" || this.closed.aborted) return;
    const failure = await new Promise<Error | null | undefined>((resolve) => {
      this.#stream.write(text, resolve);
    });
    if (!failure || this.#note(failure)) return;
    throw new SluiceError("SINK_FAILED", `output: ${messageOf(failure)}`, { cause: failure });
  }

  /** Whether the failure means that nobody reads any more. */
  #note(error: Error): boolean {
    const { code } = error as NodeJS.ErrnoException;
    const gone = code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || code === "ERR_STREAM_WRITE_AFTER_END";
    if (gone) this.#closed.abort();
    return gone;
  }
}

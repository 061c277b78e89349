/** What of a Writable we use; process.stdout is one. */
export interface TextStream {
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * Writes text and waits until it is taken. When nobody takes it any more, because the reader has gone (`sluice up | head`) or
 * the disk is full, writing goes on quietly to nowhere and `closed` aborts, so that the command can end in order. Whether that
 * is a failure, the stream's owner decides (bin/sluice.ts).
 */
export class Output {
  readonly #stream: TextStream;
  readonly #closed = new AbortController();

  constructor(stream: TextStream) {
    this.#stream = stream;
    stream.on("error", () => this.#closed.abort());
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async write(text: string): Promise<void> {
    if (text === "" || this.closed.aborted) return;
    const failure = await new Promise<Error | null | undefined>((resolve) => {
      this.#stream.write(text, resolve);
    });
    if (failure) this.#closed.abort();
  }
}

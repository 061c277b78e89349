import type { TextStream } from "../../sinks/live/output.ts";

/** A stream that keeps what is written to it, until it is told to fail. */
export class FakeStream implements TextStream {
  text = "";
  failure: NodeJS.ErrnoException | null = null;
  readonly #listeners: ((error: Error) => void)[] = [];

  write(text: string, done: (error?: Error | null) => void): boolean {
    if (this.failure === null) this.text += text;
    const { failure } = this;
    // As Node does: first the callback, then the event.
    queueMicrotask(() => {
      done(failure);
      if (failure !== null) for (const listener of this.#listeners) listener(failure);
    });
    return failure === null;
  }

  on(_: "error", listener: (error: Error) => void): this {
    this.#listeners.push(listener);
    return this;
  }

  failWith(code: string): void {
    this.failure = Object.assign(new Error(`write ${code}`), { code });
  }
}

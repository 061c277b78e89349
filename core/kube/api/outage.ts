import type { Log } from "../../log.ts";

/** Tells once that the API server is away, however many resources find out, and once that all of them are followed again. */
export class Outage {
  readonly #log: Log;
  readonly #missed = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  begin(resource: string, error: string): void {
    if (this.#missed.size === 0)
      this.#log.warn({ resource, error }, "the API server is not followed; what is known stays, and it is tried again");
    this.#missed.add(resource);
  }

  end(resource: string): void {
    if (this.#missed.delete(resource) && this.#missed.size === 0)
      this.#log.info({}, "the API server is followed again");
  }
}

import type { Ticket } from "./ticket.ts";

/** A document that waits to be stored. */
export interface Entry {
  /** Its two lines for the bulk API. */
  readonly lines: Uint8Array;
  readonly ticket: Ticket;
  /** Its place among those of the ticket. */
  readonly place: number;
  /** How often it was sent in vain. */
  readonly tries: number;
  /** When it came; by a monotonic clock. */
  readonly since: number;
}

export interface BatchLimits {
  readonly bytes: number;
  readonly documents: number;
}

/** Documents in the order in which they are to be sent. Those tried again go first. */
export class Queue {
  #entries: Entry[] = [];
  #from = 0;
  #bytes = 0;

  get length(): number {
    return this.#entries.length - this.#from;
  }

  get oldest(): Entry | undefined {
    return this.#entries[this.#from];
  }

  push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.lines.length;
    }
  }

  again(entries: readonly Entry[]): void {
    const rest = this.#entries.slice(this.#from);
    this.#entries = [];
    this.#from = 0;
    this.#bytes = 0;
    this.push(entries);
    this.push(rest);
  }

  isFull({ bytes, documents }: BatchLimits): boolean {
    return this.#bytes >= bytes || this.length >= documents;
  }

  /** As many as fit, one at least. */
  take({ bytes, documents }: BatchLimits): readonly Entry[] {
    const taken: Entry[] = [];
    let size = 0;
    for (let next = this.oldest; next !== undefined && taken.length < documents; next = this.oldest) {
      if (taken.length > 0 && size + next.lines.length > bytes) break;
      size += next.lines.length;
      taken.push(next);
      this.#from += 1;
    }
    this.#bytes -= size;
    this.#trim();
    return taken;
  }

  clear(): void {
    this.#entries = [];
    this.#from = 0;
    this.#bytes = 0;
  }

  #trim(): void {
    if (this.#from < 10_000 && this.length > 0) return;
    this.#entries = this.#entries.slice(this.#from);
    this.#from = 0;
  }
}

import { batchesInFlight } from "./worker-protocol.ts";

// One message to the main thread; larger ones would hold up both event loops.
const batchRecords = 2_000;

export interface OutboxOptions<T, R> {
  /** What may wait here before records are dropped. */
  readonly limit: number;
  /** Makes the record of a draft, given its number. */
  readonly number: (draft: T, seq: number) => R;
  readonly post: (records: readonly R[]) => void;
}

/**
 * The worker's end of a stream: numbers records without gaps and posts them in batches, as many as the main thread has
 * given credit for. A record that finds the queue full gets no number.
 */
export class Outbox<T, R> {
  readonly #options: OutboxOptions<T, R>;
  #waiting: R[] = [];
  #sent = 0;
  #credit = batchesInFlight;
  #seq = 0;

  constructor(options: OutboxOptions<T, R>) {
    this.#options = options;
  }

  /** Takes drafts in; how many found no place. */
  push(drafts: readonly T[]): number {
    const room = Math.max(0, this.#options.limit - (this.#waiting.length - this.#sent));
    for (const draft of drafts.slice(0, room)) this.#waiting.push(this.#options.number(draft, this.#seq++));
    this.#post();
    return Math.max(0, drafts.length - room);
  }

  credit(): void {
    this.#credit++;
    this.#post();
  }

  /** Posts what waits without asking for credit: there will be no later. */
  postAll(): void {
    this.#credit = Number.POSITIVE_INFINITY;
    this.#post();
  }

  #post(): void {
    while (this.#credit > 0 && this.#sent < this.#waiting.length) {
      this.#options.post(this.#waiting.slice(this.#sent, this.#sent + batchRecords));
      this.#sent = Math.min(this.#sent + batchRecords, this.#waiting.length);
      this.#credit--;
    }
    if (this.#sent < this.#waiting.length && this.#sent < batchRecords * 16) return;
    this.#waiting = this.#waiting.slice(this.#sent);
    this.#sent = 0;
  }
}

import type { Message } from "../bus.ts";

/** A batch of one partition that nobody has done with. */
export interface Batch {
  readonly partition: number;
  readonly messages: readonly Message[];
  /** Offset of the message after its last. */
  readonly end: bigint;
}

/**
 * One partition as long as a member has it: batch after batch, each handed out until it is acked, so that a refused one comes again before
 * what follows. After a rebalance the broker begins at the committed offset again; what was handed out already is left out.
 */
export class Partition {
  readonly number: number;
  /** Offset of what has not come yet. */
  #next = -1n;
  #held: { readonly batch: Batch; readonly done: PromiseWithResolvers<void> } | undefined;
  #isOut = false;
  readonly #lost = new AbortController();

  constructor(number: number) {
    this.number = number;
  }

  /** Whether a batch can be handed out now. */
  get isReady(): boolean {
    return this.#held !== undefined && !this.#isOut;
  }

  /** Whether somebody has its batch. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /** Another member has it now. */
  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Takes the messages that have not come before. Resolves when they are done with, or the partition is lost; one batch at a time. */
  async put(messages: readonly (Message & { readonly offset: bigint })[]): Promise<void> {
    // What came before a rebalance may still be out.
    while (this.#held !== undefined) await this.#held.done.promise;
    const fresh = messages.filter(({ offset }) => offset >= this.#next);
    const last = fresh.at(-1);
    if (last === undefined || this.isLost) return;
    this.#next = last.offset + 1n;
    this.#held = {
      batch: { partition: this.number, messages: fresh, end: this.#next },
      done: Promise.withResolvers<void>(),
    };
    await this.#held.done.promise;
  }

  take(): Batch {
    if (this.#held === undefined || this.#isOut) throw new Error("no batch is ready");
    this.#isOut = true;
    return this.#held.batch;
  }

  /** It is durable behind us; called once for each `take`, or `again`. */
  done(): void {
    const held = this.#held;
    [this.#held, this.#isOut] = [undefined, false];
    held?.done.resolve();
  }

  again(): void {
    this.#isOut = false;
    if (this.isLost) this.done();
  }

  /** What is not out is the next member's. */
  lose(): void {
    this.#lost.abort();
    if (!this.#isOut) this.done();
  }
}

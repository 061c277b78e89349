import type { Clock } from "../core/clock.ts";
import { Condition } from "../core/condition.ts";
import type { Delivery, Source } from "../core/pipeline.ts";

// A nacked batch waits before it comes again, so that a sink that refuses it does not spin.
const redeliverMs = 1000;

interface Pushed<T> {
  readonly batch: { readonly items: readonly T[] };
  readonly acked: () => void;
}

/** The main thread's end of a stream: a Source of the batches that a worker posted. */
export class Inbox<T> implements Source<T> {
  readonly name: string;
  readonly #clock: Clock;
  readonly #batches: Pushed<T>[] = [];
  /** Batches handed out and not yet acked: they may come back. */
  #handedOut = 0;
  #end: { readonly failure?: unknown } | undefined;
  readonly #changed = new Condition();

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  /** `acked` is called once, when the batch is done with. Its items are asked for when somebody reads them. */
  push(batch: { readonly items: readonly T[] }, acked: () => void): void {
    this.#batches.push({ batch, acked });
    this.#changed.changed();
  }

  /** No batch will follow. Readers end once all are acked, with the failure if there was one. */
  close(failure?: unknown): void {
    this.#end ??= failure === undefined ? {} : { failure };
    this.#changed.changed();
  }

  async *open(signal: AbortSignal): AsyncGenerator<Delivery<T>> {
    while (!signal.aborted) {
      const batch = this.#batches.shift();
      if (batch !== undefined) yield this.#deliveryOf(batch);
      else if (this.#end === undefined || this.#handedOut > 0) await this.#changed.wait(signal);
      else if ("failure" in this.#end) throw this.#end.failure;
      else return;
    }
  }

  #deliveryOf(pushed: Pushed<T>): Delivery<T> {
    this.#handedOut++;
    return {
      get items() {
        return pushed.batch.items;
      },
      ack: () => Promise.resolve(this.#settle(pushed)),
      nack: () => this.#redeliver(pushed),
    };
  }

  async #redeliver(batch: Pushed<T>): Promise<void> {
    await this.#clock.sleep(redeliverMs);
    this.#handedOut--;
    this.#batches.unshift(batch);
    this.#changed.changed();
  }

  #settle(batch: Pushed<T>): void {
    this.#handedOut--;
    batch.acked();
    this.#changed.changed();
  }
}

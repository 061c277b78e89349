import type { Delivery, Source } from "../core/pipeline.ts";
import type { RawFlow } from "../core/records/flow.ts";

/** What numbers a record: seq within (node, epoch). */
export type Numbered = Pick<RawFlow, "node" | "epoch" | "seq">;

/** Runs of collectors that are remembered; those that nobody waits for any more go first. */
const runsKept = 1024;

/**
 * Wraps a source that may hand out a record again after it was acked (a spool after a restart of its reader does), and leaves
 * out what is done with. Of each run of a collector the high-water mark is the number below which everything handed out is acked:
 * a batch that was refused stays above it, so that it passes when it comes again.
 */
export class Once {
  readonly #runs = new Map<string, Run>();
  readonly #onRepeated: (count: number) => void;

  /** `onRepeated` is told how many were left out. */
  constructor(onRepeated: (count: number) => void) {
    this.#onRepeated = onRepeated;
  }

  wrap<T extends Numbered>(source: Source<T>): Source<T> {
    const fresh = (delivery: Delivery<T>) => this.#fresh(delivery);
    return {
      name: source.name,
      async *open(signal) {
        for await (const delivery of source.open(signal)) {
          const left = fresh(delivery);
          if (left.items.length > 0) yield left;
          else await delivery.ack();
        }
      },
    };
  }

  #fresh<T extends Numbered>(delivery: Delivery<T>): Delivery<T> {
    const shares = this.#sharesOf(delivery.items);
    const items = shares.flatMap(({ run, items }) => run.handOut(items));
    if (items.length < delivery.items.length) this.#onRepeated(delivery.items.length - items.length);
    return {
      items,
      ack: async () => {
        await delivery.ack();
        for (const { run, items } of shares) run.done(items);
      },
      nack: (cause) => delivery.nack(cause),
    };
  }

  /** Neighbours of one run together, so that a batch costs little more than its records. */
  #sharesOf<T extends Numbered>(items: readonly T[]): readonly { readonly run: Run; readonly items: T[] }[] {
    const shares: { readonly run: Run; readonly items: T[] }[] = [];
    let last: T | undefined;
    for (const item of items) {
      if (item.node !== last?.node || item.epoch !== last.epoch) shares.push({ run: this.#runOf(item), items: [] });
      shares.at(-1)?.items.push(item);
      last = item;
    }
    return shares;
  }

  #runOf({ node, epoch }: Numbered): Run {
    const key = `${node} ${epoch}`;
    const run = this.#runs.get(key) ?? new Run();
    if (!this.#runs.has(key)) this.#remember(key, run);
    return run;
  }

  #remember(key: string, run: Run): void {
    this.#runs.set(key, run);
    for (const [other, { isIdle }] of this.#runs) {
      if (this.#runs.size <= runsKept) return;
      if (isIdle && other !== key) this.#runs.delete(other);
    }
  }
}

/** Numbers rise in the order of the source, so the first that is owed is the lowest. */
class Run {
  readonly #owed = new Set<number>();
  #highest = -1;

  get isIdle(): boolean {
    return this.#owed.size === 0;
  }

  /** Those that are not done with. */
  handOut<T extends Numbered>(items: readonly T[]): readonly T[] {
    const mark = this.#mark();
    const fresh = items.filter(({ seq }) => seq > mark);
    for (const { seq } of fresh) {
      this.#owed.add(seq);
      this.#highest = Math.max(this.#highest, seq);
    }
    return fresh;
  }

  done(items: readonly Numbered[]): void {
    for (const { seq } of items) this.#owed.delete(seq);
  }

  /** Costs the more the more was deleted from the set, so once for a share, not for a record. */
  #mark(): number {
    const [lowest] = this.#owed;
    return lowest === undefined ? this.#highest : lowest - 1;
  }
}

import type { Delivery, Source } from "../core/pipeline.ts";
import type { RawFlow } from "../core/records/flow.ts";

/** What numbers a record: seq within (node, epoch). */
export type Numbered = Pick<RawFlow, "node" | "epoch" | "seq">;

export interface OnceOptions {
  /** Told how many were left out. */
  readonly onRepeated: (count: number) => void;
  /** Of runs that an earlier process worked on: the highest number that it had done. */
  readonly marks?: readonly Numbered[];
}

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

  constructor({ onRepeated, marks = [] }: OnceOptions) {
    this.#onRepeated = onRepeated;
    for (const mark of marks) this.#remember(keyOf(mark), new Run(mark.seq));
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
    // A sender that had no answer sends again, so one delivery may hold a record twice.
    const within = new Map(shares.map(({ run }) => [run, new Set<number>()]));
    const items = shares.flatMap(({ run, items }) => run.handOut(items, within.get(run) as Set<number>));
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

  #runOf(record: Numbered): Run {
    const key = keyOf(record);
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

const keyOf = ({ node, epoch }: Numbered): string => `${node} ${epoch}`;

/** Numbers rise in the order of the source, so the first that is owed is the lowest. */
class Run {
  readonly #owed = new Set<number>();
  #highest: number;

  constructor(highest = -1) {
    this.#highest = highest;
  }

  get isIdle(): boolean {
    return this.#owed.size === 0;
  }

  /** Those that are not done with, each once; `given` are those of the same delivery. */
  handOut<T extends Numbered>(items: readonly T[], given: Set<number>): readonly T[] {
    const mark = this.#mark();
    return items.filter(({ seq }) => {
      if (seq <= mark || given.has(seq)) return false;
      given.add(seq);
      this.#owed.add(seq);
      this.#highest = Math.max(this.#highest, seq);
      return true;
    });
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

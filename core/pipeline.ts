/**
 * The seams between stages. A Source hands out batches; whoever pulls one owes it an `ack` once everything made of it is
 * durable, or a `nack`. Pulling is the back-pressure: a source that nobody pulls reads nothing.
 */
export interface Delivery<T> {
  readonly items: readonly T[];
  /** All items are durable behind us; the source may forget them. */
  ack(): Promise<void>;
  /** They could not be stored; the source decides (deliver again, dead-letter). */
  nack(cause: unknown): Promise<void>;
}

export interface Source<T> {
  readonly name: string;
  /** Ends when the signal aborts, after the deliveries already handed out. */
  open(signal: AbortSignal): AsyncIterable<Delivery<T>>;
}

/** Stateless, one to one: item i of the result stems from item i of the batch. */
export type Stage<A, B> = (batch: readonly A[]) => readonly B[] | Promise<readonly B[]>;

export interface Sink<T> {
  readonly name: string;
  /** Resolves when the batch is durable. May see a batch twice, and the next before this one is durable. */
  write(batch: readonly T[], signal: AbortSignal): Promise<void>;
}

export interface PipelineOptions {
  readonly signal: AbortSignal;
  /** How many batches may be pulled and not yet acked. */
  readonly inFlight?: number;
}

/**
 * Pulls batches from a source through a stage into a sink until the signal aborts or the source ends, then waits for the
 * batches in flight. Writes begin in the order of the batches and overlap up to `inFlight`, so a sink may gather several and
 * store them at once. A failing batch is nacked with its cause and the pipeline goes on: whether to try again is the business of the wrappers around sink and
 * source. A source that fails, or fails to ack, ends the pipeline with its error.
 */
export async function run<A, B>(
  source: Source<A>,
  stage: Stage<A, B>,
  sink: Sink<B>,
  options: PipelineOptions,
): Promise<void> {
  const limit = options.inFlight ?? 4;
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  const failures: unknown[] = [];
  const inFlight = new Set<Promise<unknown>>();
  let previous: Promise<unknown> = Promise.resolve();
  try {
    for await (const delivery of source.open(signal)) {
      const staged = settle(async () => stage(delivery.items));
      const before = previous;
      const begun = Promise.withResolvers<void>();
      const handled = settle(async () => {
        const outcome = await staged;
        await before;
        await deliver(delivery, outcome, sink, options.signal, begun.resolve);
      }).then((outcome) => {
        begun.resolve();
        inFlight.delete(handled);
        if (!("thrown" in outcome)) return;
        failures.push(outcome.thrown);
        broken.abort();
      });
      previous = begun.promise;
      inFlight.add(handled);
      if (inFlight.size >= limit) await Promise.race(inFlight);
    }
  } finally {
    await Promise.all(inFlight);
  }
  if (failures.length > 0) throw failures[0];
}

type Outcome<T> = { readonly value: T } | { readonly thrown: unknown };

async function settle<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (thrown) {
    return { thrown };
  }
}

async function deliver<A, B>(
  delivery: Delivery<A>,
  outcome: Outcome<readonly B[]>,
  sink: Sink<B>,
  signal: AbortSignal,
  begun: () => void,
): Promise<void> {
  if ("thrown" in outcome) return delivery.nack(outcome.thrown);
  const writing = settle(() => sink.write(outcome.value, signal));
  begun();
  const written = await writing;
  return "thrown" in written ? delivery.nack(written.thrown) : delivery.ack();
}

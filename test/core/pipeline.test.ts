import assert from "node:assert/strict";
import { type Delivery, run, type Sink, type Source } from "../../core/pipeline.ts";
import { settled } from "../support/fake-clock.ts";

/** Hands out batches of one number each, and writes down what becomes of them. */
class Numbers implements Source<number> {
  readonly name = "numbers";
  readonly diary: string[];
  readonly #count: number;
  pulled = 0;
  signal: AbortSignal | undefined;
  /** What ack of this number rejects with. */
  ackFailure: { readonly of: number; readonly error: Error } | undefined;

  constructor(count: number, diary: string[] = []) {
    this.#count = count;
    this.diary = diary;
  }

  async *open(signal: AbortSignal): AsyncGenerator<Delivery<number>> {
    this.signal = signal;
    while (!signal.aborted && this.pulled < this.#count) {
      await settled();
      if (signal.aborted) return;
      this.pulled += 1;
      yield this.#delivery(this.pulled);
    }
  }

  #delivery(n: number): Delivery<number> {
    return {
      items: [n],
      ack: () => {
        this.diary.push(`ack ${n}`);
        return this.ackFailure?.of === n ? Promise.reject(this.ackFailure.error) : Promise.resolve();
      },
      nack: (cause) => Promise.resolve(void this.diary.push(`nack ${n}: ${(cause as Error).message}`)),
    };
  }
}

const same = <T>(batch: readonly T[]) => batch;
const sinkOf = <T>(write: (batch: readonly T[], signal: AbortSignal) => Promise<void>): Sink<T> => ({
  name: "sink",
  write,
});

/** A sink whose writes end when the test says so. */
class Gate implements Sink<number> {
  readonly name = "gate";
  readonly open: (() => void)[] = [];
  readonly seen: number[] = [];

  write(batch: readonly number[]): Promise<void> {
    this.seen.push(...batch);
    return new Promise((resolve) => this.open.push(resolve));
  }
}

describe("core/pipeline", () => {
  const never = new AbortController().signal;

  it("passes everything through stage and sink in order, and ends with the source", async () => {
    const seen: string[] = [];
    const sink = sinkOf<string>((batch) => Promise.resolve(void seen.push(...batch)));
    await run(new Numbers(5), (batch) => batch.map((n) => `n${n}`), sink, { signal: never });
    assert.deepEqual(seen, ["n1", "n2", "n3", "n4", "n5"]);
  });

  it("acks a batch once the sink has it, not before", async () => {
    const source = new Numbers(1);
    const gate = new Gate();
    const running = run(source, same, gate, { signal: never });
    while (gate.open.length === 0) await settled();
    assert.deepEqual(source.diary, []);
    gate.open[0]?.();
    await running;
    assert.deepEqual(source.diary, ["ack 1"]);
  });

  it("begins writes in the order of the batches, although stages overlap, and does not wait for one to end", async () => {
    const diary: string[] = [];
    const stages = new Map<number, () => void>();
    const stage = (batch: readonly number[]) =>
      new Promise<readonly number[]>((resolve) => stages.set(batch[0] as number, () => resolve(batch)));
    const sink = sinkOf<number>(async ([n]) => {
      diary.push(`begin ${n}`);
      await settled();
      diary.push(`end ${n}`);
    });
    const running = run(new Numbers(3), stage, sink, { signal: never });
    while (stages.size < 3) await settled();
    for (const n of [3, 2, 1]) stages.get(n)?.();
    await running;
    assert.deepEqual(diary, ["begin 1", "begin 2", "begin 3", "end 1", "end 2", "end 3"]);
  });

  for (const inFlight of [1, 2, 4])
    it(`pulls no more than ${inFlight} batches ahead of the acks`, async () => {
      const source = new Numbers(10);
      const gate = new Gate();
      const running = run(source, same, gate, { signal: never, inFlight });
      for (let written = 0; written < 10; written++) {
        while (gate.open.length <= written) await settled();
        for (let turn = 0; turn < 5; turn++) await settled();
        assert.equal(source.pulled, Math.min(10, written + inFlight));
        gate.open[written]?.();
      }
      await running;
    });

  for (const { title, stage, sink } of [
    {
      title: "stage throws",
      stage: ([n]: readonly number[]) => {
        if (n === 2) throw new Error("no");
        return [n as number];
      },
      sink: sinkOf<number>(() => Promise.resolve()),
    },
    {
      title: "stage rejects",
      stage: ([n]: readonly number[]) => (n === 2 ? Promise.reject(new Error("no")) : Promise.resolve([n as number])),
      sink: sinkOf<number>(() => Promise.resolve()),
    },
    {
      title: "sink rejects",
      stage: same<number>,
      sink: sinkOf<number>(([n]) => (n === 2 ? Promise.reject(new Error("no")) : Promise.resolve())),
    },
    {
      title: "sink throws",
      stage: same<number>,
      sink: sinkOf<number>(([n]) => {
        if (n === 2) throw new Error("no");
        return Promise.resolve();
      }),
    },
  ])
    it(`nacks a batch with its cause when the ${title}, and goes on`, async () => {
      const source = new Numbers(3);
      await run(source, stage, sink, { signal: never });
      assert.deepEqual(source.diary, ["ack 1", "nack 2: no", "ack 3"]);
    });

  it("finishes the batches in flight when the signal aborts, and pulls no more", async () => {
    const stop = new AbortController();
    const source = new Numbers(100);
    const gate = new Gate();
    let ended = false;
    const running = run(source, same, gate, { signal: stop.signal, inFlight: 3 }).then(() => {
      ended = true;
    });
    while (source.pulled < 3) await settled();
    stop.abort();
    for (let written = 0; written < 3; written++) {
      while (gate.open.length <= written) await settled();
      assert.equal(ended, false);
      gate.open[written]?.();
    }
    await running;
    assert.deepEqual(source.diary, ["ack 1", "ack 2", "ack 3"]);
    assert.equal(source.pulled, 3);
  });

  it("pulls nothing when the signal has aborted before", async () => {
    const source = new Numbers(1);
    await run(source, same, new Gate(), { signal: AbortSignal.abort() });
    assert.equal(source.pulled, 0);
  });

  it("passes its signal to the sink", async () => {
    let passed: AbortSignal | undefined;
    const sink = sinkOf<number>((_, signal) => {
      passed = signal;
      return Promise.resolve();
    });
    await run(new Numbers(1), same, sink, { signal: never });
    assert.equal(passed, never);
  });

  it("rejects with the error of a source that fails, after the batches in flight", async () => {
    const diary: string[] = [];
    const numbers = new Numbers(2, diary);
    const failure = new Error("broker gone");
    const source: Source<number> = {
      name: "failing",
      async *open(signal) {
        yield* numbers.open(signal);
        throw failure;
      },
    };
    await assert.rejects(
      run(
        source,
        same,
        sinkOf(() => settled()),
        { signal: never },
      ),
      failure,
    );
    assert.deepEqual(diary, ["ack 1", "ack 2"]);
  });

  it("stops pulling and rejects when a source cannot ack", async () => {
    const source = new Numbers(1_000);
    source.ackFailure = { of: 2, error: new Error("lost the partition") };
    await assert.rejects(
      run(
        source,
        same,
        sinkOf(() => Promise.resolve()),
        { signal: never },
      ),
      source.ackFailure.error,
    );
    assert.equal(source.signal?.aborted, true);
    assert.ok(source.pulled < 10, `pulled ${source.pulled}`);
  });
});

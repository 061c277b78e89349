import assert from "node:assert/strict";
import fc from "fast-check";
import { MarkedOutput } from "../../../bin/bus/marked-output.ts";
import type { FencedPublisher, KeptReader, Message } from "../../../core/bus.ts";
import { SluiceError } from "../../../core/errors.ts";
import type { Numbered } from "../../../enrichers/once.ts";

const codec = { encode: () => ({ value: new Uint8Array() }), decode: () => [] };
/** As with a schema registry that answers when it likes; refuses what is told. */
class SlowCodec {
  readonly #waiting: PromiseWithResolvers<{ readonly value: Uint8Array }>[] = [];

  encode() {
    const answer = Promise.withResolvers<{ readonly value: Uint8Array }>();
    this.#waiting.push(answer);
    return answer.promise;
  }

  decode() {
    return [];
  }

  /** All that was asked for is answered, the last first, until nothing more is asked for. */
  async answer(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      for (const { resolve } of this.#waiting.splice(0).reverse()) resolve({ value: new Uint8Array() });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  refuse(): void {
    this.#waiting.shift()?.reject(new SluiceError("REGISTRY_FAILED", "away", { retriable: true }));
  }
}

const forever = new AbortController().signal;

/** A partition as Kafka keeps it: each transaction takes an offset for its end; the oldest messages go. */
class MemoryPartition implements FencedPublisher, KeptReader {
  readonly #kept = new Map<bigint, Message>();
  #next = 0n;
  #oldest = 0n;
  isBroken = false;
  reads = 0;

  write(messages: readonly Message[]): Promise<bigint> {
    if (this.isBroken) return Promise.reject(new Error("broken"));
    const first = this.#next;
    for (const message of messages) this.#kept.set(this.#next++, message);
    this.#next += 1n;
    return Promise.resolve(first);
  }

  get kept(): readonly Message[] {
    return [...this.#kept.values()];
  }

  extents() {
    return Promise.resolve(new Map([[0, { from: this.#oldest, to: this.#next }]]));
  }

  read(_topic: string, _partition: number, { from, to }: { readonly from: bigint; readonly to: bigint }) {
    this.reads += 1;
    assert.ok(from >= this.#oldest);
    assert.ok(this.#kept.has(to - 1n), "the last one must exist");
    return Promise.resolve([...this.#kept].filter(([at]) => at >= from && at < to).map(([, message]) => message));
  }

  close() {
    return Promise.resolve();
  }
}

const begun = async (partition: MemoryPartition) => {
  const options = { topic: { name: "t", codec }, partition: 0, publisher: partition, reader: partition };
  const output = new MarkedOutput<Numbered>(options);
  return { output, marks: await output.begin(forever) };
};

const byRun = (marks: readonly Numbered[]) =>
  Object.fromEntries(marks.map(({ node, epoch, seq }) => [`${node} ${epoch}`, seq]));

describe("bin/bus/marked-output", () => {
  it("knows how far each run was written, however often it begins anew, and however much is written since", async () => {
    const record = fc.record({ node: fc.constantFrom("a", "b", "c"), epoch: fc.nat(1), seq: fc.nat(1000) });
    const writes = fc.array(fc.array(record, { minLength: 1, maxLength: 4 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(writes, fc.constantFrom(1, 60)), { maxLength: 4 }), async (lives) => {
        const partition = new MemoryPartition();
        const highest: Record<string, number> = {};
        for (const [batches, times] of lives) {
          const { output, marks } = await begun(partition);
          assert.deepEqual(byRun(marks), highest);
          for (let turn = 0; turn < times; turn++) for (const batch of batches) await output.write(batch);
          for (const { node, epoch, seq } of batches.flat())
            highest[`${node} ${epoch}`] = Math.max(seq, highest[`${node} ${epoch}`] ?? 0);
        }
        assert.deepEqual(byRun((await begun(partition)).marks), highest);
      }),
      { numRuns: 30 },
    );
  });

  it("need not look far back for a run that was written long ago", async () => {
    const partition = new MemoryPartition();
    const { output } = await begun(partition);
    await output.write([{ node: "old", epoch: 1, seq: 7 }]);
    for (let seq = 0; seq < 5_000; seq++) await output.write([{ node: "new", epoch: 1, seq }]);
    partition.reads = 0;
    const { marks } = await begun(partition);
    assert.deepEqual(byRun(marks), { "old 1": 7, "new 1": 4_999 });
    assert.equal(partition.reads, 1);
  });

  it("is at its end with the first write that fails", async () => {
    const partition = new MemoryPartition();
    const { output } = await begun(partition);
    partition.isBroken = true;
    await assert.rejects(output.write([{ node: "a", epoch: 1, seq: 1 }]), /broken/);
    assert.ok(output.failed.aborted);
  });

  describe("with a codec that has to ask", () => {
    let [partition, slow] = [new MemoryPartition(), new SlowCodec()];
    beforeEach(() => {
      [partition, slow] = [new MemoryPartition(), new SlowCodec()];
    });
    const record = (node: string, seq: number) => ({ node, epoch: 1, seq });

    async function begunSlowly() {
      const topic = { name: "t", codec: slow };
      const output = new MarkedOutput<Numbered>({ topic, partition: 0, publisher: partition, reader: partition });
      const beginning = output.begin(forever);
      await slow.answer();
      await beginning;
      return output;
    }

    it("writes in the order it was asked to, whatever is answered first", async () => {
      const output = await begunSlowly();
      const writes = [1, 2, 3].map((seq) => output.write([record("a", seq), record("b", seq)]));
      await slow.answer();
      await Promise.all(writes);
      const marks = partition.kept.flatMap(({ headers }) => JSON.parse(headers?.["marks"] ?? "[]") as unknown[]);
      assert.deepEqual(
        marks,
        [1, 2, 3].flatMap((seq) => [
          ["a", 1, seq],
          ["b", 1, seq],
        ]),
      );
    });

    it("lets nothing pass what could not be encoded, so that no mark is above what is missing", async () => {
      const output = await begunSlowly();
      const writes = [1, 2].map((seq) => output.write([record("a", seq)]));
      const outcomes = Promise.allSettled(writes);
      await new Promise((resolve) => setImmediate(resolve));
      slow.refuse();
      await slow.answer();
      const reasons = (await outcomes).map((one) => ("reason" in one ? (one.reason as SluiceError) : undefined));
      assert.deepEqual(
        reasons.map((reason) => [reason?.code, reason?.retriable]),
        [
          ["REGISTRY_FAILED", true],
          ["BUS_FAILED", false],
        ],
      );
      assert.ok(output.failed.aborted);
      await assert.rejects(output.write([record("a", 1)]), { code: "BUS_FAILED", retriable: false });
      assert.deepEqual((await begun(partition)).marks, []);
    });
  });

  it("says where a header is not what it should be", async () => {
    const partition = new MemoryPartition();
    await partition.write([{ key: "", value: new Uint8Array(), headers: { marks: "[1]" }, origin: "t/0@0" }]);
    await assert.rejects(begun(partition), { code: "DECODE_FAILED", message: /t\/0@0.*marks/ });
  });
});

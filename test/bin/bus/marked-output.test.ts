import assert from "node:assert/strict";
import fc from "fast-check";
import { MarkedOutput } from "../../../bin/bus/marked-output.ts";
import type { FencedPublisher, KeptReader, Message } from "../../../core/bus.ts";
import type { Numbered } from "../../../enrichers/once.ts";

const codec = { encode: () => new Uint8Array(), decode: () => [] };
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

  it("says where a header is not what it should be", async () => {
    const partition = new MemoryPartition();
    await partition.write([{ key: "", value: new Uint8Array(), headers: { marks: "[1]" }, origin: "t/0@0" }]);
    await assert.rejects(begun(partition), { code: "DECODE_FAILED", message: /t\/0@0.*marks/ });
  });
});

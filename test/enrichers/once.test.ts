import assert from "node:assert/strict";
import type { Delivery, Source } from "../../core/pipeline.ts";
import { type Numbered, Once } from "../../enrichers/once.ts";

/** What is done with the batches, in order: handed out as [seqs], then acked or refused; `epoch` 1 unless given. */
type Step =
  | {
      readonly hands: readonly number[];
      readonly passes: readonly number[];
      readonly epoch?: number;
      readonly node?: string;
    }
  | { readonly acks: number }
  | { readonly refuses: number };

const cases: readonly {
  readonly title: string;
  readonly steps: readonly Step[];
  readonly marks?: readonly Numbered[];
}[] = [
  {
    title: "what an earlier process had done is left out, of its run alone",
    marks: [{ node: "node-1", epoch: 1, seq: 4 }],
    steps: [
      { hands: [3, 4, 5], passes: [5] },
      { hands: [3], epoch: 2, passes: [3] },
    ],
  },
  {
    title: "what stands twice in one batch passes once",
    steps: [{ hands: [0, 1, 0, 1, 2], passes: [0, 1, 2] }, { acks: 0 }, { hands: [2, 3], passes: [3] }],
  },
  {
    title: "what comes again after it was acked is left out",
    steps: [{ hands: [0, 1, 2], passes: [0, 1, 2] }, { acks: 0 }, { hands: [1, 2, 3], passes: [3] }],
  },
  {
    title: "a batch that was refused passes when it comes again, although a later one is acked",
    steps: [
      { hands: [0, 1], passes: [0, 1] },
      { hands: [2, 3], passes: [2, 3] },
      { acks: 1 },
      { refuses: 0 },
      { hands: [0, 1], passes: [0, 1] },
      { acks: 2 },
      { hands: [0, 1, 2, 3], passes: [] },
    ],
  },
  {
    title: "numbers that another stream of the node drew are not waited for",
    steps: [{ hands: [0, 4], passes: [0, 4] }, { acks: 0 }, { hands: [4, 9], passes: [9] }],
  },
  {
    title: "what is on its way passes when it comes again: nobody knows yet whether it will be stored",
    steps: [
      { hands: [0, 1], passes: [0, 1] },
      { hands: [0, 1], passes: [0, 1] },
    ],
  },
  {
    title: "each run of each node counts for itself",
    steps: [
      { hands: [5], passes: [5] },
      { acks: 0 },
      { hands: [0], epoch: 2, passes: [0] },
      { hands: [5], node: "node-2", passes: [5] },
      { hands: [5], passes: [] },
    ],
  },
];

describe("enrichers/once", () => {
  for (const { title, steps, marks = [] } of cases)
    it(title, async () => {
      const handed = steps.filter((step) => "hands" in step);
      const once = new Once({ onRepeated: () => {}, marks });
      const open: Delivery<Numbered>[] = [];
      const pulled = once
        .wrap(sourceOf(handed.map(recordsOf)))
        .open(new AbortController().signal)
        [Symbol.asyncIterator]();
      for (const step of steps)
        if ("acks" in step) await open[step.acks]?.ack();
        else if ("refuses" in step) await open[step.refuses]?.nack("full");
        else if (step.passes.length > 0) {
          const { value } = await pulled.next();
          assert.deepEqual(
            value.items.map(({ seq }: Numbered) => seq),
            step.passes,
          );
          open.push(value);
        }
      // A batch of which nothing is left is acked and not handed out.
      assert.equal((await pulled.next()).done, true);
    });

  it("tells how many were left out, and acks a batch of which nothing is left", async () => {
    const repeated: number[] = [];
    const acked: number[] = [];
    const source = sourceOf([recordsOf({ hands: [0, 1] }), recordsOf({ hands: [0, 1] })], acked);
    for await (const delivery of new Once({ onRepeated: (count) => repeated.push(count) })
      .wrap(source)
      .open(new AbortController().signal))
      await delivery.ack();
    assert.deepEqual([repeated, acked], [[2], [0, 1]]);
  });
});

function recordsOf({
  hands,
  epoch = 1,
  node = "node-1",
}: Pick<Extract<Step, { hands: unknown }>, "hands" | "epoch" | "node">) {
  return hands.map((seq) => ({ node, epoch, seq }));
}

function sourceOf(batches: readonly (readonly Numbered[])[], acked: number[] = []): Source<Numbered> {
  return {
    name: "numbered",
    async *open() {
      for (const [index, items] of batches.entries()) {
        await Promise.resolve();
        yield { items, ack: () => Promise.resolve(void acked.push(index)), nack: () => Promise.resolve() };
      }
    },
  };
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Draft } from "../../collectors/draft.ts";
import { Recorder } from "../../collectors/recorder.ts";
import { Windows } from "../../collectors/window.ts";
import type { Counters } from "../../core/conntrack/entry.ts";
import { entry, tuple } from "./entries.ts";

// A kernel in memory, and a collector's loop around Recorder and Windows, while somebody sets the wall clock. The kernel stamps with the
// wall clock, as the real one does; time passes all the same.

const windowMs = 1_000;
const tickMs = 20;
const startMs = 1_700_000_000_000;

interface Live {
  readonly id: number;
  readonly startedAt: number;
  readonly counters: Counters;
}

/** What may happen, at each tick. */
type Act =
  | { readonly do: "open" | "close" | "lose-next" }
  | { readonly do: "carry"; readonly packets: number }
  | { readonly do: "step"; readonly ms: number };

const minutes = 60_000;
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<Act>({ do: "open" }, { do: "close" }) },
  { weight: 10, arbitrary: fc.nat(50).map((packets): Act => ({ do: "carry", packets: packets + 1 })) },
  { weight: 1, arbitrary: fc.constant<Act>({ do: "lose-next" }) },
  {
    weight: 1,
    arbitrary: fc
      .oneof(fc.integer({ min: -90 * minutes, max: 90 * minutes }), fc.integer({ min: -50, max: 50 }))
      .map((ms): Act => ({ do: "step", ms })),
  },
);

class World {
  readonly #recorder = new Recorder({ epoch: startMs * 1_000, interfaceName: () => null });
  readonly #windows = new Windows(windowMs, startMs);
  readonly drafts: Draft[] = [];
  readonly carried = new Map<number, number>();
  /** Monotonic time of each whole flush. */
  readonly flushedAt: number[] = [];
  #live: Live[] = [];
  #wall = startMs;
  #monotonic = 0;
  #ids = 0;
  #losesNext = false;

  act(what: Act): void {
    switch (what.do) {
      case "open":
        this.#open();
        break;
      case "close":
        this.#close();
        break;
      case "lose-next":
        this.#losesNext = true;
        break;
      case "carry":
        this.#carry(what.packets);
        break;
      case "step":
        this.#wall += what.ms;
        // The next poll notices it.
        this.tick();
    }
  }

  tick(): void {
    this.#wall += tickMs;
    this.#monotonic += tickMs;
    this.#recorder.wasRead("conntrack", this.#wall * 1_000);
    const due = this.#windows.due(this.#wall);
    if (due?.whole) this.#dump();
    if (due !== undefined) this.drafts.push(...this.#recorder.flush(due));
    if (due?.whole) this.flushedAt.push(this.#monotonic);
  }

  finish(): void {
    this.#dump();
    this.drafts.push(...this.#recorder.flush(this.#windows.last(this.#wall)));
  }

  #open(): void {
    const id = ++this.#ids;
    const startedAt = this.#wall * 1_000 + 5;
    this.#live.push({ id, startedAt, counters: { packets: 1, bytes: 60, replyPackets: 0, replyBytes: 0 } });
    this.carried.set(id, 1);
    this.#tell(entry("new", { ...named(id), happenedAt: startedAt - 5 }));
  }

  #carry(packets: number): void {
    const live = this.#live[packets % Math.max(1, this.#live.length)];
    if (live === undefined) return;
    live.counters.packets += packets;
    live.counters.bytes += packets * 60;
    this.carried.set(live.id, live.counters.packets);
  }

  #close(): void {
    const live = this.#live.shift();
    if (live === undefined) return;
    const { id, startedAt, counters } = live;
    this.#recorder.entry(
      entry("destroy", { ...named(id), startedAt, stoppedAt: this.#wall * 1_000, counters: { ...counters } }),
      this.#wall * 1_000,
    );
  }

  /** Of lost events only NEW: what is not told of an end is known to be lost. */
  #tell(told: ReturnType<typeof entry>): void {
    if (!this.#losesNext) this.#recorder.entry(told, this.#wall * 1_000);
    this.#losesNext = false;
  }

  #dump(): void {
    this.#recorder.beginDump();
    for (const { id, startedAt, counters } of this.#live)
      this.#recorder.entry(entry("dump", { ...named(id), startedAt, counters: { ...counters } }), this.#wall * 1_000);
    this.#recorder.endDump(this.#wall * 1_000);
  }
}

const named = (id: number) => ({ id, original: tuple(`10.0.0.1 ${1_000 + (id % 60_000)}`, "10.0.0.2 80") });

describe("while somebody sets the clock", () => {
  const run = (acts: readonly Act[]): World => {
    const world = new World();
    for (const each of acts) {
      world.act(each);
      for (let count = 0; count < 10; count++) world.tick();
    }
    world.finish();
    return world;
  };

  it("every connection is counted once, in windows that begin before they end, and one window follows another", () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const world = run(acts);
        const counted = Map.groupBy(world.drafts, ({ connection }) => connection ?? -1);
        for (const [id, packets] of world.carried) {
          const told = counted.get(id) ?? [];
          assert.equal(
            told.reduce((sum, draft) => sum + draft.packets, 0),
            packets,
            `connection ${id}`,
          );
          assert.equal(new Set(told.map(({ startedAt }) => startedAt)).size, 1, `connection ${id} is told as several`);
        }
        for (const { start, end } of world.drafts) assert.ok(start <= end);
        const pauses = world.flushedAt.map((at, index) => at - (world.flushedAt[index - 1] ?? 0));
        assert.ok(
          pauses.every((pause) => pause <= 2 * windowMs + tickMs),
          `${pauses}`,
        );
      }),
      { numRuns: 300 },
    );
  });

  for (const { title, ms } of [
    { title: "an hour back", ms: -60 * minutes },
    { title: "an hour on", ms: 60 * minutes },
  ])
    it(`${title}: what began then and was not heard of is told from its beginning`, () => {
      const { drafts } = run([{ do: "step", ms }, { do: "lose-next" }, { do: "open" }, { do: "carry", packets: 9 }]);
      assert.equal(
        drafts.reduce((sum, { packets }) => sum + packets, 0),
        10,
      );
    });
});

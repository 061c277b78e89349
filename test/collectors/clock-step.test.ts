import assert from "node:assert/strict";
import fc from "fast-check";
import { Windows } from "../../collectors/window.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import { FedRecorder } from "./fed-recorder.ts";
import type { Said } from "./messages.ts";

// A kernel in memory, and a collector's loop around Recorder and Windows, while somebody sets the wall clock. The kernel stamps with the
// wall clock, as the real one does; time passes all the same.

const windowMs = 1_000;
const tickMs = 20;
const startMs = 1_700_000_000_000;

interface Live {
  readonly id: number;
  readonly startedAt: number;
  packets: number;
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
  readonly #fed: FedRecorder;
  readonly #windows = new Windows(windowMs, startMs);
  readonly told: RawFlow[] = [];
  /** Packets by connection. */
  readonly carried = new Map<number, number>();
  /** Monotonic time of each whole flush. */
  readonly flushedAt: number[] = [];
  #live: Live[] = [];
  #wall = startMs;
  #monotonic = 0;
  #ids = 0;
  #losesNext = false;

  constructor(fast: boolean) {
    this.#fed = new FedRecorder(fast, startMs * 1_000);
  }

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
    this.#fed.recorder.wasRead("conntrack", this.#wall * 1_000);
    const due = this.#windows.due(this.#wall);
    if (due?.whole) this.#dump();
    if (due !== undefined) this.told.push(...this.#fed.step({ do: "flush", ...due }));
    if (due?.whole) this.flushedAt.push(this.#monotonic);
  }

  finish(): void {
    this.#dump();
    this.told.push(...this.#fed.step({ do: "flush", ...this.#windows.last(this.#wall) }));
  }

  #open(): void {
    const live = { id: ++this.#ids, startedAt: this.#wall * 1_000 + 5, packets: 1 };
    this.#live.push(live);
    this.carried.set(live.id, 1);
    // Of lost events only NEW: what is not told of an end is known to be lost.
    if (!this.#losesNext) this.#tell({ ...saidOf("new", live), happenedAt: live.startedAt - 5 });
    this.#losesNext = false;
  }

  #carry(packets: number): void {
    const live = this.#live[packets % Math.max(1, this.#live.length)];
    if (live === undefined) return;
    live.packets += packets;
    this.carried.set(live.id, live.packets);
  }

  #close(): void {
    const live = this.#live.shift();
    if (live !== undefined) this.#tell({ ...saidOf("destroy", live), stoppedAt: this.#wall * 1_000 });
  }

  #tell(said: Said): void {
    this.#fed.step({ do: "tell", said, now: this.#wall * 1_000 });
  }

  #dump(): void {
    const said = this.#live.map((live) => saidOf("dump", live));
    this.#fed.step({ do: "dump", said, between: [], now: this.#wall * 1_000 });
  }
}

function saidOf(kind: Said["kind"], { id, startedAt, packets }: Live): Said {
  const [client, server] = [`10.0.0.1 ${1_000 + (id % 60_000)}`, "10.0.0.2 80"];
  const isCounted = kind !== "new";
  return {
    ...{ kind, id, ends: [client, server, server, client], protocol: 6, status: 0, label: null },
    counters: isCounted ? [packets, packets * 60, 0, 0] : null,
    startedAt: isCounted ? startedAt : null,
    ...{ stoppedAt: null, happenedAt: null, timeout: null, mark: 0, zone: 0, port: 0 },
    tcpState: kind === "new" ? 1 : 7,
  };
}

for (const fast of [true, false])
  describe(`while somebody sets the clock, connections kept ${fast ? "in rows" : "one by one"}`, () => {
    const run = (acts: readonly Act[]): World => {
      const world = new World(fast);
      for (const each of acts) {
        world.act(each);
        for (let count = 0; count < 10; count++) world.tick();
      }
      world.finish();
      return world;
    };
    const sum = (told: readonly RawFlow[]) => told.reduce((packets, flow) => packets + flow.packets, 0);

    it("every connection is counted once, in windows that begin before they end, and one window follows another", () => {
      fc.assert(
        fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
          const world = run(acts);
          const told = Map.groupBy(world.told, ({ connection }) => connection ?? -1);
          for (const [id, packets] of world.carried) {
            const ours = told.get(id) ?? [];
            assert.equal(sum(ours), packets, `connection ${id}`);
            assert.equal(new Set(ours.map(({ startedAt }) => startedAt)).size, 1, `${id} is told as several`);
          }
          for (const { start, end } of world.told) assert.ok(start <= end);
          const pauses = world.flushedAt.map((at, index) => at - (world.flushedAt[index - 1] ?? 0));
          assert.ok(
            pauses.every((pause) => pause <= 2 * windowMs + tickMs),
            `${pauses}`,
          );
        }),
        { numRuns: 200 },
      );
    });

    for (const { title, ms } of [
      { title: "an hour back", ms: -60 * minutes },
      { title: "an hour on", ms: 60 * minutes },
    ])
      it(`${title}: what began then and was not heard of is told from its beginning`, () => {
        const { told } = run([{ do: "step", ms }, { do: "lose-next" }, { do: "open" }, { do: "carry", packets: 9 }]);
        assert.equal(sum(told), 10);
      });
  });

import assert from "node:assert/strict";
import fc from "fast-check";
import { ControlLog } from "../../controls/control-log.ts";
import { authored } from "../../controls/log/authored.ts";
import { type Json, patched } from "../../controls/log/json-diff.ts";
import type { Keeping } from "../../controls/log/teller.ts";
import { type Found, parseSnapshot, snapshotText } from "../../controls/snapshot/snapshot-text.ts";
import { SluiceError } from "../../core/errors.ts";
import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { canonicalJson } from "../../policy/hash.ts";
import { defaultProgramSettings } from "../../policy/program-settings.ts";
import { arbitraryChange } from "../support/arbitrary-changes.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { remove, synced, upsert } from "../support/objects.ts";

const never = new AbortController().signal;

/** What a process leaves behind, and when it is to be killed: before or after so many writes, to disk and to the store. */
class Machine {
  written: string | undefined;
  until = 0;
  readonly stored: ChangeRecord[] = [];
  #left = Number.POSITIVE_INFINITY;

  killAfter(writes: number): void {
    this.#left = writes;
  }

  get isKilled(): boolean {
    return this.#left < 0;
  }

  /** A write may be done or not when the process is gone. */
  async #write(write: () => void): Promise<void> {
    if (this.isKilled) return await gone();
    this.#left -= 0.5;
    if (this.isKilled) return await gone();
    write();
    this.#left -= 0.5;
    if (this.isKilled) await gone();
  }

  readonly keeping: Keeping = {
    open: () => Promise.resolve(this.#found()),
    write: (snapshot, now) =>
      this.#write(() => {
        this.written = snapshotText(snapshot);
        this.until = now;
      }),
    watched: (now) =>
      this.#write(() => {
        this.until = now;
      }),
    close: () => Promise.resolve(),
  };

  readonly sink = {
    name: "store",
    write: (batch: readonly ChangeRecord[]) => this.#write(() => void this.stored.push(...batch)),
  };

  #found(): Found | undefined {
    return this.written === undefined ? undefined : { ...parseSnapshot(this.written), until: this.until };
  }
}

const gone = () => new Promise<void>(() => {});

function logOf(machine: Machine, clock: FakeClock, waitMs = 0): ControlLog {
  return new ControlLog({
    cluster: "lab",
    settings: defaultProgramSettings,
    clock,
    log: silentLog,
    metrics: new Metrics(),
    keeping: machine.keeping,
    waiting: { waitMs, keepMs: 60_000, most: 100 },
    settle: authored,
  });
}

/** A process from its first look to its end, or until it is killed. */
async function live(
  machine: Machine,
  clock: FakeClock,
  all: readonly KubeObject[],
  batches: readonly (readonly Change[])[],
  waitMs = 0,
) {
  const log = logOf(machine, clock, waitMs);
  const stop = new AbortController();
  let isOver = false;
  const running = log.run(machine.sink, stop.signal, never).finally(() => {
    isOver = true;
  });
  log.hear([...all.map(upsert), synced]);
  for (const batch of batches) {
    log.hear(batch);
    for (let turn = 0; turn < batch.length + 1; turn++) await settled();
    await clock.advance(250);
  }
  stop.abort();
  while (!isOver && !machine.isKilled) await settled();
  if (!machine.isKilled) await running;
}

const tier = (name: string, order: number, metadata: object = {}): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind: "Tier",
  metadata: { name, ...metadata },
  spec: { order },
});

const summaries = ({ stored }: Machine) => stored.map(({ summary }) => summary);

describe("controls/control-log", () => {
  it("begins with a record that it begins, and then tells what is done", async () => {
    const machine = new Machine();
    await live(machine, new FakeClock(), [tier("a", 1)], [[upsert(tier("a", 2))], [remove(tier("a", 2))]]);
    assert.deepEqual(summaries(machine), ["begins the change log", "changed spec/order of Tier a", "deleted Tier a"]);
  });

  it("finds out at its start what was done meanwhile, and since when", async () => {
    const [machine, clock] = [new Machine(), new FakeClock()];
    await live(machine, clock, [tier("a", 1)], []);
    const ended = clock.now();
    await clock.advance(3_600_000);
    await live(machine, clock, [tier("a", 2)], []);
    const record = machine.stored.at(-1);
    assert.deepEqual(
      [record?.summary, record?.control?.foundAtStart, record?.start, record?.foundAt],
      ["changed spec/order of Tier a", true, ended * 1000, clock.now() * 1000],
    );
    await live(machine, clock, [tier("a", 2)], []);
    assert.equal(machine.stored.length, 2);
  });

  it("knows while nothing is done that it watched, for at most half a minute less than it did", async () => {
    const [machine, clock] = [new Machine(), new FakeClock()];
    const log = logOf(machine, clock);
    const stop = new AbortController();
    const running = log.run(machine.sink, stop.signal, never);
    log.hear([synced]);
    await clock.advance(600_000);
    assert.ok(clock.now() - machine.until <= 30_000);
    stop.abort();
    await running;
  });

  it("keeps what an earlier run knew, and had to tell, until it knows all that exists", async () => {
    const [machine, clock] = [new Machine(), new FakeClock()];
    machine.killAfter(1);
    await live(machine, clock, [tier("a", 1)], [[upsert(tier("a", 2))]]);
    const { written } = machine;
    assert.ok(parseSnapshot(written ?? "").records.length > 0);
    machine.killAfter(Number.POSITIVE_INFINITY);
    const log = logOf(machine, clock);
    const stop = new AbortController();
    const running = log.run(machine.sink, stop.signal, never);
    log.hear([upsert(tier("a", 2))]);
    await clock.advance(60_000);
    assert.equal(machine.written, written);
    stop.abort();
    await running;
    assert.equal(machine.written, written);
  });

  for (const { title, tell } of [
    { title: "takes nothing", tell: () => Promise.reject(new SluiceError("BUS_FAILED", "away", { retriable: true })) },
    { title: "does not answer", tell: (away: Promise<void>) => away },
  ])
    it(`has on disk what is done while the store ${title}, and tells it once the store does`, async () => {
      const [machine, clock] = [new Machine(), new FakeClock()];
      const log = logOf(machine, clock);
      const [stop, back] = [new AbortController(), Promise.withResolvers<void>()];
      let isAway = true;
      const write = async (batch: readonly ChangeRecord[]) => {
        if (isAway) await tell(back.promise);
        await machine.sink.write(batch);
      };
      const running = log.run({ name: "store", write }, stop.signal, never);
      log.hear([upsert(tier("a", 1)), synced]);
      for (const order of [2, 3]) {
        log.hear([upsert(tier("a", order))]);
        await clock.advance(1_000);
        assert.equal(parseSnapshot(machine.written ?? "").records.length, order);
      }
      isAway = false;
      back.resolve();
      await clock.advance(1_000);
      const told = ["begins the change log", "changed spec/order of Tier a", "changed spec/order of Tier a"];
      assert.deepEqual(summaries(machine), told);
      stop.abort();
      await running;
      assert.deepEqual(parseSnapshot(machine.written ?? "").records, []);
    });

  it("ends although the store takes nothing, with all of it on disk", async () => {
    const [machine, clock] = [new Machine(), new FakeClock()];
    const log = logOf(machine, clock);
    const stop = new AbortController();
    const write = () => Promise.reject(new SluiceError("BUS_FAILED", "away", { retriable: true }));
    const running = log.run({ name: "store", write }, stop.signal, never);
    log.hear([upsert(tier("a", 1)), synced]);
    log.hear([upsert(tier("a", 2))]);
    stop.abort();
    await running;
    assert.equal(parseSnapshot(machine.written ?? "").records.length, 2);
    await live(machine, clock, [tier("a", 2)], []);
    assert.deepEqual(summaries(machine), ["begins the change log", "changed spec/order of Tier a"]);
  });

  it("begins anew, and says so, if what it knew is damaged or of another cluster", async () => {
    for (const keeping of [
      { open: () => Promise.reject(new SluiceError("SNAPSHOT_INVALID", "it is damaged")) },
      { open: () => Promise.resolve({ cluster: "other", known: new Map(), records: [], until: 0 }) },
    ]) {
      const machine = new Machine();
      Object.assign(machine.keeping, keeping);
      await live(machine, new FakeClock(), [tier("a", 1)], []);
      assert.match(summaries(machine).join(), /^begins the change log anew: (it is damaged|.* is of cluster other)$/);
    }
  });

  it("names the field manager where nobody told who did it", async () => {
    const machine = new Machine();
    const managedFields = [
      { manager: "old", time: "2026-12-01T00:00:00Z" },
      { manager: "kubectl-edit", time: "2026-12-01T00:00:01Z" },
      { manager: "controller", time: "2026-12-01T00:00:02Z", subresource: "status" },
    ];
    await live(machine, new FakeClock(), [], [[upsert(tier("a", 1, { managedFields }))]]);
    const record = machine.stored.at(-1);
    assert.deepEqual([record?.actor, record?.request?.fieldManager], [null, "kubectl-edit"]);
  });

  it("tells everything once, and all of it, wherever it is killed and however often", async () => {
    const story = fc.tuple(
      fc.array(fc.tuple(fc.array(arbitraryChange, { maxLength: 3 }), fc.nat(12)), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(0, 400),
    );
    await fc.assert(
      fc.asyncProperty(story, async ([lives, waitMs]) => {
        const [machine, clock] = [new Machine(), new FakeClock()];
        const cluster = new Map<string, KubeObject>();
        await live(machine, clock, [], []);
        for (const [batch, writes] of lives) {
          const all = [...cluster.values()];
          applyTo(cluster, batch);
          machine.killAfter(writes / 2);
          await live(machine, clock, all, [batch, []], waitMs);
          await clock.advance(1_000);
        }
        machine.killAfter(Number.POSITIVE_INFINITY);
        await live(machine, clock, [...cluster.values()], []);
        assert.deepEqual(replayed(machine.stored), controlsOf(machine));
        const kept = [...cluster.values()].filter(({ kind }) => /Policy|Tier|NetworkSet|HostEndpoint/.test(kind));
        assert.deepEqual([...controlsOf(machine).keys()].sort(), kept.map(keyOf).sort());
      }),
      { numRuns: 60 },
    );
  });
});

function applyTo(cluster: Map<string, KubeObject>, batch: readonly Change[]): void {
  for (const change of batch) {
    if (change.type === "upsert") cluster.set(keyOf(change.object), change.object);
    else if (change.type === "delete") cluster.delete(keyOf(change.object));
  }
}

/** What the last process knew, without labels that no policy asked about. */
function controlsOf({ written }: Machine): ReadonlyMap<string, string> {
  const { known } = parseSnapshot(written ?? "");
  return sorted([...known].filter(([, { subject }]) => subject !== "labels").map(([key, { text }]) => [key, text]));
}

/** What records make of nothing, each once; they fit to each other without a gap. */
function replayed(records: readonly ChangeRecord[]): ReadonlyMap<string, string> {
  const once = new Map<string, ChangeRecord>();
  for (const record of records) {
    const known = once.get(record.id);
    if (known !== undefined) assert.deepEqual(record, known);
    once.set(record.id, record);
  }
  const state = new Map<string, string>();
  for (const { control } of [...once.values()].sort((a, b) => a.foundAt - b.foundAt)) {
    if (control === null || control.subject === "labels") continue;
    const { apiVersion, kind, namespace, name, before, after, diff } = control;
    const key = [apiVersion, kind, ...(namespace === null ? [] : [namespace]), name].join("/");
    assert.equal(state.get(key) ?? null, before);
    if (control.verb === "update")
      assert.equal(canonicalJson(patched(JSON.parse(before ?? "null") as Json, diff)), after);
    if (after === null) state.delete(key);
    else state.set(key, after);
  }
  return sorted([...state]);
}

const sorted = (entries: readonly (readonly [string, string])[]) =>
  new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));

import assert from "node:assert/strict";
import type { Clock } from "../../../core/clock.ts";
import { Database } from "../../../sinks/archive/database.ts";
import { type Disk, realDisk } from "../../../sinks/archive/disk.ts";
import { loss, seconds } from "../../support/flows.ts";
import { archiveIn, lossesIn, never, withFolder } from "./folder.ts";

/** Every call from the nth on fails, as for a process that died there; or only that one, before or after it took effect. */
function failing(
  nth: number,
  how: "from then on" | "before it acts" | "after it acted",
): { disk: Disk; failed: () => boolean } {
  let calls = 0;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    const call = ++calls;
    const fails = how === "from then on" ? call >= nth : call === nth;
    if (fails && how === "after it acted") await work();
    if (fails) throw new Error(`injected at call ${nth}`);
    return work();
  };
  const disk: Disk = {
    list: (folder) => step(() => realDisk.list(folder)),
    makeFolder: (folder) => step(() => realDisk.makeFolder(folder)),
    sync: (path) => step(() => realDisk.sync(path)),
    rename: (from, to) => step(() => realDisk.rename(from, to)),
    remove: (file) => step(() => realDisk.remove(file)),
    changed: (folder) => step(() => realDisk.changed(folder)),
    sha256: (file) => step(() => realDisk.sha256(file)),
  };
  return { disk, failed: () => calls >= nth };
}

describe("Archive, when calls of the file system fail", function () {
  this.timeout(120_000);

  for (const { how, stride } of [
    { how: "from then on", stride: process.env["CI"] === undefined ? 4 : 1 },
    { how: "before it acts", stride: 7 },
    { how: "after it acted", stride: 7 },
  ] as const)
    it(`reads what was acknowledged once, and anything else once or not at all: one of ${stride} calls in turn, ${how}`, () =>
      withFolder(async (spill) => {
        const database = new Database({ memoryMb: 256, spill });
        let nth = 1;
        for (let more = true; more; ) {
          const turns = Array.from({ length: atOnce }, (_, at) => nth + at * stride);
          const reached = await Promise.all(
            turns.map((turn) => withFolder((folder) => survives({ folder, database, nth: turn, how }))),
          );
          more = reached.every((each) => each);
          nth += atOnce * stride;
        }
        await database.close();
        assert.ok(nth > 50, `only ${nth} calls`);
      }));
});

/** Lives that run side by side. */
const atOnce = 3;
/** Two of them are merged. */
const flushes = 3;
const all = Array.from({ length: flushes + 1 }, (_, seq) => seq);

interface Life {
  readonly folder: string;
  /** Of who reads. */
  readonly database: Database;
  readonly nth: number;
  readonly how: Parameters<typeof failing>[1];
}

/** A life of flushes, a merge, a late record and two seals with one fault; then another with none. False if the fault was not reached. */
async function survives({ folder, database, nth, how }: Life): Promise<boolean> {
  const { disk, failed } = failing(nth, how);
  const stored = new Set<number>();
  const { clock, move } = standingClock();
  const archive = archiveIn(folder, { disk, clock, fanIn: 2 });
  const expect = async (when: string) => check(await lossesIn(folder, database), stored, `${when} at call ${nth}`);
  try {
    await archive.open();
    for (let seq = 0; seq < flushes; seq++) await attempt([seq], archive, stored);
    await archive.maintain().catch(() => {});
    move(3_600_000);
    await archive.maintain().catch(() => {});
    await attempt([flushes], archive, stored);
    move(700_000);
    await archive.maintain().catch(() => {});
  } catch (thrown) {
    assert.match(String(thrown), /injected/);
  }
  await archive.close().catch(() => {});
  await expect("after a fault");
  const next = archiveIn(folder, { clock, fanIn: 2 });
  await next.open();
  await attempt(all, next, stored); // as the spool would deliver them again
  await expect("after the restart that follows a fault");
  await next.maintain();
  move(700_000);
  await next.maintain();
  await next.close();
  assert.equal(stored.size, all.length);
  await expect("after the seal that follows a fault");
  return failed();
}

/** Time that stands until it is moved, and wakes nobody: all that happens is asked for. */
function standingClock(): { readonly clock: Clock; readonly move: (ms: number) => void } {
  let at = seconds(0) / 1000;
  const now = () => at;
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) resolve();
      else signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  const move = (ms: number) => {
    at += ms;
  };
  return { clock: { now, monotonic: now, sleep }, move };
}

async function attempt(
  seqs: readonly number[],
  archive: ReturnType<typeof archiveIn>,
  stored: Set<number>,
): Promise<void> {
  const written = archive.sink("loss").write(
    seqs.map((seq) => loss({ seq, start: seconds(seq) })),
    never,
  );
  const outcomes = await Promise.allSettled([written, archive.flush()]);
  if (outcomes[0].status === "fulfilled") for (const seq of seqs) stored.add(seq);
}

function check(found: readonly { readonly seq: number }[], stored: ReadonlySet<number>, when: string): void {
  const seqs = found.map(({ seq }) => seq);
  assert.equal(new Set(seqs).size, seqs.length, `doubled ${when}: ${seqs.join(" ")}`);
  for (const seq of stored) assert.ok(seqs.includes(seq), `${seq} missing ${when}: ${seqs.join(" ")}`);
}

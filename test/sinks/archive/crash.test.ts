import assert from "node:assert/strict";
import { type Disk, realDisk } from "../../../sinks/archive/disk.ts";
import { FakeClock } from "../../support/fake-clock.ts";
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
  this.timeout(300_000);

  for (const { how, stride } of [
    { how: "from then on", stride: process.env["CI"] === undefined ? 4 : 1 },
    { how: "before it acts", stride: 7 },
    { how: "after it acted", stride: 7 },
  ] as const)
    it(`reads what was acknowledged once, and anything else once or not at all: one of ${stride} calls in turn, ${how}`, async () => {
      let nth = 1;
      for (let more = true; more; nth += stride) more = await withFolder((folder) => survives(folder, nth, how));
      assert.ok(nth > 60, `only ${nth} calls`);
    });
});

/** A life of 14 flushes, a merge, late records and two seals with one fault; then another with none. False if the fault was not reached. */
async function survives(folder: string, nth: number, how: Parameters<typeof failing>[1]): Promise<boolean> {
  const { disk, failed } = failing(nth, how);
  const stored = new Set<number>();
  const clock = new FakeClock();
  const archive = archiveIn(folder, { disk, clock });
  try {
    await archive.open();
    for (let seq = 0; seq < 14; seq++) await attempt([seq], archive, stored);
    await archive.maintain().catch(() => {});
    await clock.advance(3_600_000);
    await archive.maintain().catch(() => {});
    await attempt([14], archive, stored);
    await clock.advance(700_000);
    await archive.maintain().catch(() => {});
  } catch (thrown) {
    assert.match(String(thrown), /injected/);
  }
  await archive.close().catch(() => {});
  check(await lossesIn(folder), stored, `after a fault at call ${nth}`);
  const next = archiveIn(folder, { clock });
  await next.open();
  await attempt(all, next, stored); // as the spool would deliver them again
  check(await lossesIn(folder), stored, `after the restart that follows a fault at call ${nth}`);
  await next.maintain();
  await clock.advance(700_000);
  await next.maintain();
  await next.close();
  assert.equal(stored.size, 15);
  check(await lossesIn(folder), stored, `after the seal that follows a fault at call ${nth}`);
  return failed();
}

const all = Array.from({ length: 15 }, (_, seq) => seq);

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

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import fc from "fast-check";
import type { Flow } from "../../../core/records/flow.ts";
import { ArchiveStore } from "../../../sinks/archive/archive-store.ts";
import type { Sealed } from "../../../sinks/archive/upkeep.ts";
import { flows as anyFlows } from "../../core/records/arbitrary.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { flow, loss, seconds } from "../../support/flows.ts";
import { archiveIn, everything, filesIn, flowsIn, never, store, withFolder } from "./folder.ts";

const numbered = (count: number, from = 0): Flow[] =>
  Array.from({ length: count }, (_, at) => flow({ seq: from + at, start: seconds(at / 1000), end: seconds(1) }));

describe("Archive", function () {
  this.timeout(60_000);

  it("gives any record back as it was, from memory and from files", () =>
    withFolder(async (folder) => {
      const clock = new FakeClock();
      const archive = archiveIn(folder, { clock });
      await archive.open();
      const beside = new ArchiveStore({ folder, memoryMb: 256, archive });
      let seq = 0;
      const all: Flow[] = [];
      const batches = fc.array(anyFlows, { minLength: 1, maxLength: 20 });
      await fc.assert(
        fc.asyncProperty(batches, async (batch) => {
          const unique = batch.map((each) => ({ ...each, node: "n", epoch: 1, seq: seq++ }));
          all.push(...unique);
          const written = archive.sink("flow").write(unique, never);
          assert.deepEqual(sorted((await beside.search(everything, never)).items), sorted(all));
          await Promise.all([written, archive.flush()]);
        }),
        { numRuns: 5 },
      );
      await archive.close();
      assert.deepEqual(sorted(await flowsIn(folder)), sorted(all));
    }));

  it("stores a record once, however often it is written, also after a restart", () =>
    withFolder(async (folder) => {
      for (let run = 0; run < 3; run++) {
        const archive = archiveIn(folder);
        await archive.open();
        await store(archive, numbered(10));
        await store(archive, numbered(10));
        await archive.close();
      }
      assert.equal((await flowsIn(folder)).length, 10);
    }));

  it("merges many files of the hour, and seals it when it is over", () =>
    withFolder(async (folder) => {
      const clock = new FakeClock();
      const sealed: Sealed[] = [];
      const archive = archiveIn(folder, { clock, sealed: (one) => void sealed.push(one) });
      await archive.open();
      for (let flush = 0; flush < 30; flush++) await store(archive, numbered(5, flush * 5));
      assert.equal((await filesIn(folder)).length, 30);
      await archive.maintain();
      assert.equal((await filesIn(folder)).length, 8);
      assert.equal((await flowsIn(folder)).length, 150);
      await clock.advance(3_600_000);
      await archive.maintain();
      const files = await filesIn(folder);
      assert.equal(files.length, 1);
      assert.match(files[0] as string, /^flow\/day=2023-11-14\/hour=22\/seg-[0-9a-f]{64}\.parquet$/);
      assert.equal((await flowsIn(folder)).length, 150);
      assert.deepEqual(
        sealed.map(({ rows, kind, file }) => ({ rows, kind, file })),
        [{ rows: 150, kind: "flow", file: `${folder}/archive/${files[0]}` }],
      );
      await archive.close();
    }));

  it("seals an hour of many slices whole", () =>
    withFolder(async (folder) => {
      const clock = new FakeClock();
      const archive = archiveIn(folder, { clock, sliceRows: 8 });
      await archive.open();
      const flows = numbered(50).map((each) => (each.seq % 5 === 0 ? { ...each, action: "deny" as const } : each));
      await store(archive, flows);
      await clock.advance(3_600_000);
      await archive.maintain();
      assert.equal((await filesIn(folder)).length, 1);
      assert.deepEqual(sorted(await flowsIn(folder)), flows);
      await archive.close();
    }));

  it("makes a segment of its own of what comes after the seal", () =>
    withFolder(async (folder) => {
      const clock = new FakeClock();
      const archive = archiveIn(folder, { clock });
      await archive.open();
      for (const from of [0, 10]) {
        await store(archive, numbered(10, from));
        await clock.advance(3_600_000);
        await archive.maintain();
      }
      assert.equal((await filesIn(folder)).length, 2);
      assert.equal((await flowsIn(folder)).length, 20);
      await archive.close();
    }));

  it("tells of its rows those who read beside it before they are in a file, and others after", () =>
    withFolder(async (folder) => {
      const archive = archiveIn(folder);
      await archive.open();
      const beside = new ArchiveStore({ folder, memoryMb: 256, archive });
      const written = archive.sink("flow").write(numbered(3), never);
      assert.equal((await beside.search(everything, never)).items.length, 3);
      assert.equal((await flowsIn(folder)).length, 0);
      await archive.flush();
      await written;
      assert.equal((await beside.search(everything, never)).items.length, 3);
      assert.equal((await flowsIn(folder)).length, 3);
      await archive.close();
    }));

  it("keeps losses, heartbeats, endpoints and programs as they are", () =>
    withFolder(async (folder) => {
      const archive = archiveIn(folder);
      await archive.open();
      const missed = [loss({ seq: 1, count: 2 ** 53 - 1, detail: "a 'b' \n" }), loss({ seq: 2 })];
      await Promise.all([archive.sink("loss").write(missed, never), archive.flush()]);
      await archive.close();
      const reader = new ArchiveStore({ folder, memoryMb: 256 });
      assert.deepEqual(await reader.losses({ since: seconds(0), until: seconds(10) }), missed);
      assert.deepEqual(await reader.heartbeats({ since: seconds(0), until: seconds(10) }), []);
      await reader.close();
    }));

  it("refuses a folder that another writer works on, or of another version", () =>
    withFolder(async (folder) => {
      const [first, second] = [archiveIn(folder), archiveIn(folder)];
      await first.open();
      await assert.rejects(second.open(), { code: "DATA_IN_USE", message: new RegExp(`process ${process.pid}`) });
      await first.close();
      await second.open();
      await second.close();
      await writeFile(`${folder}/FORMAT`, "sluice 99\n");
      await assert.rejects(archiveIn(folder).open(), { code: "DATA_VERSION", message: /"sluice 99"/ });
      await assert.rejects(flowsIn(folder), { code: "DATA_VERSION" });
    }));
});

const sorted = (flows: readonly Flow[]) => [...flows].sort((a, b) => a.seq - b.seq);

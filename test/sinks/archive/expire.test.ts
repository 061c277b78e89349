import assert from "node:assert/strict";
import { Catalog } from "../../../sinks/archive/catalog.ts";
import { realDisk } from "../../../sinks/archive/disk.ts";
import { type Expired, expireHours } from "../../../sinks/archive/expire.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { flow, loss, seconds } from "../../support/flows.ts";
import { archiveIn, filesIn, flowsIn, never, store, withFolder } from "./folder.ts";

const hourMs = 3_600_000;

describe("sinks/archive/expire", function () {
  this.timeout(60_000);

  it("deletes whole hours whose time is over, each after it was told, and what is evidence stays", () =>
    withFolder(async (folder) => {
      const clock = new FakeClock();
      const archive = archiveIn(folder, { clock });
      await archive.open();
      const written = archive.sink("loss").write([loss({ seq: 100, start: seconds(0) })], never);
      for (const hour of [0, 1, 2]) await store(archive, [flow({ seq: hour, start: seconds(hour * 3_600) })]);
      await written;
      // The last hour is not sealed.
      await clock.advance(2 * hourMs);
      await archive.maintain();
      const told: Expired[] = [];
      const expire = (retentionMs: number, laterMs = 0) =>
        expireHours(
          {
            catalog: new Catalog(folder, realDisk, archive.database),
            disk: realDisk,
            retentionMs,
            now: clock.now() + laterMs,
            onExpire: async (expired) => {
              assert.ok((await filesIn(folder)).some((file) => file.startsWith(expired.kind)));
              told.push(expired);
            },
          },
          never,
        );
      await expire(10 * hourMs);
      assert.deepEqual(told, []);
      await expire(1.2 * hourMs);
      assert.deepEqual(
        told.map(({ kind, files }) => [kind, files]),
        [["flow", 1]],
      );
      assert.deepEqual((await flowsIn(folder)).map(({ seq }) => seq).sort(), [1, 2]);
      await expire(hourMs, 100 * hourMs);
      const left = await filesIn(folder);
      assert.ok(left.some((file) => file.startsWith("loss/")));
      assert.ok(
        left.some((file) => /^flow.*\/l0-/.test(file)),
        "what is not sealed stays",
      );
      assert.equal(left.filter((file) => file.startsWith("flow/")).length, 1);
      await archive.close();
    }));
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../core/log.ts";
import { batchCodec } from "../../../core/records/batch.ts";
import type { Seal } from "../../../core/records/seal.ts";
import type { Archive } from "../../../sinks/archive/archive.ts";
import { SealTeller } from "../../../sinks/archive/seal-teller.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { flow, seconds } from "../../support/flows.ts";
import { until } from "../../support/until.ts";
import { archiveIn, store, withFolder } from "./folder.ts";

describe("sinks/archive/seal-teller", function () {
  this.timeout(30_000);

  /** Runs a teller beside an archive that seals an hour of these flows each. */
  async function sealed(
    folder: string,
    hours: readonly (readonly number[])[],
    write: (seal: Seal) => Promise<void>,
    done: () => boolean,
  ): Promise<void> {
    const clock = new FakeClock();
    const stop = new AbortController();
    const tellerOf = (archive: Archive) => {
      const seals = { name: "seals", write: (batch: readonly Seal[]) => write(batch[0] as Seal) };
      return new SealTeller({ folder, cluster: "c", archive, seals, clock, log: silentLog });
    };
    const archive: Archive = archiveIn(folder, {
      clock,
      sealed: ({ kind, sha256, file }) => teller.add({ kind, sha256, path: file }),
    });
    const teller = tellerOf(archive);
    await archive.open();
    const telling = teller.run(stop.signal);
    for (const numbers of hours) {
      await store(
        archive,
        numbers.map((seq) => flow({ seq, start: seconds(seq) })),
      );
      await clock.advance(3_600_000);
      await archive.maintain();
    }
    await until("seals to be told", async () => {
      await clock.advance(10_000);
      return done();
    });
    stop.abort();
    await telling;
    await archive.close();
  }

  it("tells what a segment holds, and the hash of its bytes", () =>
    withFolder(async (folder) => {
      const told: Seal[] = [];
      const tell = (seal: Seal) => Promise.resolve(void told.push(seal));
      await sealed(folder, [[3, 1, 2]], tell, () => told.length === 1);
      const [{ file, sha256, sealedAt: _, ...rest }] = told as [Seal];
      const bytes = readFileSync(join(folder, "archive", file));
      assert.equal(sha256, createHash("sha256").update(bytes).digest("hex"));
      const { node, epoch } = flow();
      assert.deepEqual(rest, {
        ...{ cluster: "c", kind: "flow", rows: 3, start: seconds(1), end: seconds(3) },
        ...{ firstId: `${node}/${epoch}/1`, lastId: `${node}/${epoch}/3` },
      });
      const codec = batchCodec<Seal>("seal");
      assert.deepEqual(codec.decode(codec.encode(told)), told);
    }));

  it("tells again what could not be told, also in the next run, and nothing that was", () =>
    withFolder(async (folder) => {
      const [told, refused]: [string[], string[]] = [[], []];
      const refuse = ({ firstId }: Seal) => {
        refused.push(firstId);
        return Promise.reject(new Error("away"));
      };
      await sealed(folder, [[1]], refuse, () => refused.length > 1);
      const tell = ({ rows }: Seal) => Promise.resolve(void told.push(String(rows)));
      await sealed(folder, [[5, 6]], tell, () => told.length === 2);
      assert.deepEqual(told.toSorted(), ["1", "2"]);
      const none: Seal[] = [];
      await sealed(
        folder,
        [],
        (seal) => Promise.resolve(void none.push(seal)),
        () => true,
      );
      assert.deepEqual(none, []);
    }));
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { Outbox } from "../../collectors/outbox.ts";
import type { Framed } from "../../collectors/spool/batch.ts";
import { batchIn } from "../../collectors/spool/record-frames.ts";
import { Spool } from "../../collectors/spool/spool.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { retrying } from "../../core/retrying.ts";
import { Archive } from "../../sinks/archive/archive.ts";
import { flowsIn, never } from "../sinks/archive/folder.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { flow, rawFlow } from "../support/flows.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { until } from "../support/until.ts";
import { accountFor, assertNumbered } from "./account.ts";
import { UpLab } from "./up-lab.ts";

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const seqOf = ({ seq }: { readonly seq: number }) => seq;

describe("a full disk", function () {
  this.timeout(60_000);
  needsKernel("nft");
  let disk = new SmallDisk(4);

  beforeEach(() => {
    disk = new SmallDisk(4);
    disk.mount();
  });
  afterEach(() => disk.unmount());

  it("stops what the spool takes in at its bound, until what was stored elsewhere has made room", async () => {
    const clock = new FakeClock();
    const trouble: (string | null)[] = [];
    const spool = Spool.open({
      ...{ folder: join(disk.folder, "spool"), cluster: "c", node: "n", clock },
      ...{ maxBytes: 67_108_864, maxAgeMs: 86_400_000, syncMs: 1_000, memoryBytes: 524_288 },
      onLoss: () => assert.fail("something was dropped that had been taken in"),
      onTrouble: (text) => trouble.push(text),
    });
    const posted: { readonly batch: number; readonly seqs: readonly number[] }[] = [];
    const outbox = new Outbox({
      ...{ cluster: "c", node: "n", epoch: spool.epoch, limit: 1_000, spool, clock },
      // Read at once: its memory is used again after the ack.
      post: (batch, records) => posted.push({ batch, seqs: recordsIn(records).map(seqOf) }),
    });
    const { cluster: _, node: __, epoch: ___, seq: ____, ...draft } = rawFlow();
    const flows = range(500).map(() => draft);
    let taken = 0;
    const push = () => {
      const dropped = outbox.push({ flows });
      taken += flows.length - dropped;
      return dropped;
    };
    while (push() === 0) assert.ok(taken < 200_000);
    assert.equal(push(), flows.length);
    assert.match(trouble.join(), /^ENOSPC/);
    assert.ok(taken > 20_000, `only ${taken} were taken in`);

    // Nothing else takes room on this disk: what is stored elsewhere has to make it.
    for (let at = 0; at < posted.length; at++) outbox.ack(posted[at]?.batch ?? 0);
    await until("room in the spool", async () => {
      await clock.advance(1_000);
      spool.tend();
      if (spool.standingDue) spool.saveStanding([draft].map((open) => rawFlow(open)));
      return trouble.at(-1) === null && spool.hasRoom;
    });
    const lost = { source: "queue", count: 2, start: 0, end: 1, detail: "" } as const;
    assert.equal(outbox.push({ flows, losses: [lost] }), 0);
    for (const { batch } of posted) outbox.ack(batch);
    assert.ok(outbox.idle);
    assert.deepEqual(
      posted.flatMap(({ seqs }) => seqs),
      range(taken + flows.length + 1),
    );
    assert.equal(trouble.at(-1), null);
    spool.close([]);
    await until("the disk to let go", () => !spool.busy);
  });

  it("keeps the archive from acknowledging, and loses nothing: all is stored once, when there is room", async () => {
    const archive = new Archive({
      ...{ folder: disk.folder, clock: systemClock, log: silentLog, flushMs: 100, memoryMb: 256 },
    });
    await archive.open();
    const sink = retrying(archive.sink("flow"), { clock: systemClock, firstMs: 50, maxMs: 50 });
    const write = (from: number) =>
      sink.write(
        range(500).map((at) => flow({ seq: from + at })),
        never,
      );
    await write(0);
    disk.fill();
    let acked = false;
    const written = Promise.all([write(500), write(1_000)]).then(() => {
      acked = true;
    });
    const refused = archive.sink("flow").write([flow({ seq: 1_500 })], never);
    await assert.rejects(refused, { code: "SINK_FAILED", retriable: true });
    assert.equal(acked, false);
    disk.free();
    await written;
    await archive.close();
    assert.deepEqual(
      (await flowsIn(disk.folder)).map(seqOf).sort((a, b) => a - b),
      range(1_501),
    );
  });
});

describe("sluice up on a disk that is full for a while", function () {
  this.timeout(60_000);
  needsKernel("nft");
  const disk = new SmallDisk(24);
  const lab = new UpLab("--collector.window-ms", "1000", "--archive.flush-ms", "300");

  before(async () => {
    disk.mount();
    lab.data = join(disk.folder, "data");
    await lab.up();
  });
  after(async () => {
    await lab.down();
    disk.unmount();
  });

  it("goes on, and has every connection in the archive once when there is room again", async () => {
    const run = lab.start();
    await lab.ready(run);
    const stopTraffic = await lab.traffic();
    disk.fill();
    await lab.said(run, "cannot store records");
    await lab.said(run, "the spool cannot be written");
    await systemClock.sleep(2_000);
    disk.free();
    await lab.said(run, "the spool is written again");
    const begun = await stopTraffic();
    await systemClock.sleep(2_500);
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0, run.printed.err);
    const kept = await lab.kept();
    assert.deepEqual(kept.losses, []);
    const { connections, stored } = accountFor(begun, kept);
    assert.equal(stored, connections);
    assert.equal(assertNumbered(kept), 1);
  });
});

function recordsIn({ bytes, epoch }: Framed) {
  const origin = { cluster: "c", node: "n", epoch };
  const { flows, losses } = batchIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), origin);
  return [...flows, ...losses];
}

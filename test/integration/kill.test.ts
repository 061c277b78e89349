import assert from "node:assert/strict";
import { isMissing } from "../../bin/completeness.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { Archive } from "../../sinks/archive/archive.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { randomFrom } from "../support/random.ts";
import { accountFor, assertNumbered, minutesOf } from "./account.ts";
import { UpLab } from "./up-lab.ts";

const lives = 20;
/** How long an orderly end may take, with what a busy machine adds. */
const endMs = 8_000;
const quick = ["--collector.window-ms", "1000", "--archive.flush-ms", "300"];

describe("sluice up, killed with -9 twenty times under traffic", function () {
  this.timeout(480_000);
  needsKernel("nft");
  const lab = new UpLab(...quick);

  before(() => lab.up());
  after(() => lab.down());

  it("has every connection in the archive once, or inside a recorded loss", async () => {
    const random = randomFrom(11);
    let run = lab.start();
    await lab.ready(run);
    const stopTraffic = await lab.traffic();
    for (let life = 0; life < lives; life++) {
      // Some die while they start.
      if (life % 4 !== 3) await lab.ready(run);
      await systemClock.sleep(random() * 1_200);
      run.process.kill("SIGKILL");
      await run.ended;
      // Now and then connections begin and end before the next.
      if (life % 5 === 2) await systemClock.sleep(2_500);
      run = lab.start();
    }
    await lab.ready(run);
    const begun = await stopTraffic();
    await systemClock.sleep(1_500);
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0, run.printed.err);

    const kept = await lab.kept();
    const { connections, stored, inLoss } = accountFor(begun, kept);
    console.log(`      ${stored} of ${connections} connections stored, ${inLoss} inside a recorded loss`);
    assert.ok(stored > connections / 10);
    assert.ok(assertNumbered(kept) <= lives + 1);
    // The first and the last minute may be so short that nothing was killed in them.
    const states = new Set(minutesOf(begun, kept).map(({ state }) => state));
    assert.ok(states.delete("lost"));
    assert.deepEqual(
      [...states].filter((state) => state !== "complete"),
      [],
    );

    await sealed(lab.data);
    const later = await lab.kept();
    assert.deepEqual(accountFor(begun, later), { connections, stored, inLoss });
    assert.equal(assertNumbered(later), assertNumbered(kept));
  });
});

/** As it is some hours later. */
async function sealed(folder: string): Promise<void> {
  const clock = new FakeClock(systemClock.now() + 3 * 3_600_000);
  const archive = new Archive({ folder, clock, log: silentLog, flushMs: 5_000, memoryMb: 256 });
  await archive.open();
  await archive.maintain();
  await archive.close();
}

describe("sluice up, ended with SIGTERM five times under traffic", function () {
  this.timeout(120_000);
  needsKernel("nft");
  // As it is by default, but for the window: what is gathered for five seconds must not hold up an end.
  const lab = new UpLab("--collector.window-ms", "1000");

  before(() => lab.up());
  after(() => lab.down());

  it("has every connection in the archive once but for those of the time between, says nothing was lost, and ends soon", async () => {
    const random = randomFrom(1_234_567);
    let run = lab.start();
    await lab.ready(run);
    const stopTraffic = await lab.traffic();
    const away: { readonly from: number; to: number }[] = [];
    for (let life = 0; life < 5; life++) {
      if (life !== 3) await systemClock.sleep(500 + random() * 2_500);
      const asked = systemClock.now();
      run.process.kill("SIGTERM");
      assert.equal(await run.ended, 0, run.printed.err);
      const tookMs = systemClock.now() - asked;
      assert.ok(tookMs < endMs, `ended after ${tookMs} ms`);
      const absence = { from: asked, to: Number.POSITIVE_INFINITY };
      away.push(absence);
      run = lab.start();
      // One is asked to end while it starts.
      if (life === 2) await lab.said(run, "policies compiled");
      else await lab.ready(run);
      absence.to = systemClock.now();
    }
    await lab.ready(run);
    const begun = await stopTraffic();
    await systemClock.sleep(1_500);
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0, run.printed.err);

    const kept = await lab.kept();
    assert.deepEqual(kept.losses, []);
    const { connections, stored, inLoss } = accountFor(begun, kept, away);
    console.log(`      ${stored} of ${connections} connections stored, ${inLoss} while nothing ran`);
    assert.ok(stored > connections / 10);
    assert.ok(assertNumbered(kept) <= 6);
    const missing = minutesOf(begun, kept).filter(isMissing);
    assert.deepEqual(missing, []);
  });
});

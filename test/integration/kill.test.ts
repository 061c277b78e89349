import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { accountFor, assertNumbered, minutesOf } from "./account.ts";
import { UpLab } from "./up-lab.ts";

const lives = 20;
const quick = ["--collector.window-ms", "1000", "--archive.flush-ms", "300"];

/** Seeded, so that a failure comes again: Park and Miller's minimal standard generator. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe("sluice up, killed with -9 twenty times under traffic", function () {
  this.timeout(240_000);
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
    assert.deepEqual(
      minutesOf(begun, kept).filter(({ state }) => state !== "lost"),
      [],
    );
  });
});

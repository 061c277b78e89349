import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { systemClock } from "../../../core/clock.ts";
import { flowsIn, withFolder } from "./folder.ts";

const lives = 6;

describe("Archive, killed with -9", function () {
  this.timeout(120_000);

  it(`has each acknowledged record once, after each of ${lives} lives, when all from before are delivered again`, () =>
    withFolder(async (folder) => {
      let stored = -1;
      for (let life = 0; life < lives; life++) {
        // Again from well before what was acknowledged, as a spool does that was not trimmed yet.
        stored = Math.max(stored, await liveAndDie(folder, Math.max(0, stored - 49), 250 + life * 60));
        const seqs = (await flowsIn(folder)).map(({ seq }) => seq).sort((a, b) => a - b);
        assert.equal(new Set(seqs).size, seqs.length, `doubled in life ${life}`);
        assert.deepEqual(
          seqs.slice(0, stored + 1),
          Array.from({ length: stored + 1 }, (_, seq) => seq),
          `missing in life ${life}`,
        );
      }
      assert.ok(stored > 0);
    }));
});

/** Starts a writer, lets it live for `ms` from its first word on, kills it, and gives the last number it said was stored. */
async function liveAndDie(folder: string, first: number, ms: number): Promise<number> {
  const program = new URL("./writer-process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, folder, String(first)], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const closed = once(child, "close");
  await Promise.race([once(child.stdout, "data"), closed]);
  await systemClock.sleep(ms);
  child.kill("SIGKILL");
  await closed;
  return Number(said.trim().split("\n").at(-1) || -1);
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { Spool } from "../../collectors/spool/spool.ts";
import { systemClock } from "../../core/clock.ts";

const program = new URL("../collectors/spool/append-until-killed.ts", import.meta.url).pathname;

/** Runs the program until it said `count` times what is durable and so many ms more; what it said last. */
async function killed(folder: string, count: number, moreMs: number) {
  const child = spawn(process.execPath, [program, folder], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8");
  for await (const text of child.stdout) {
    said += text;
    if (said.split("durable").length <= count) continue;
    if (child.killed) continue;
    await systemClock.sleep(moreMs);
    child.kill("SIGKILL");
  }
  if (child.signalCode === null) await once(child, "exit");
  const lines = said.split("\n").filter((line) => line !== "");
  assert.ok(
    lines.every((line) => line.startsWith("durable")),
    said,
  );
  const [, epoch = 0, durable = 0] = (lines.at(-1) ?? "").split(" ").map(Number);
  return { epoch, durable };
}

describe("a process killed with -9 while it appends", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(`${tmpdir()}/sluice-spool-`);
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("left, ten times, every record it had forced to the disk, in order, once", async () => {
    const runs: { epoch: number; durable: number }[] = [];
    for (let life = 0; life < 10; life++) runs.push(await killed(folder, 1 + (life % 4), (life * 7) % 13));
    let lost = 0;
    const spool = Spool.open({
      ...{ folder, cluster: "c", node: "n", maxBytes: 64 * 1024 * 1024, maxAgeMs: 86_400_000, syncMs: 1000 },
      clock: systemClock,
      onLoss: (count) => (lost += count),
      onTrouble: (trouble) => assert.equal(trouble, null),
    });
    const seen = new Map<number, number[]>();
    let after = spool.acked;
    for (let read = spool.read(after, 2_000); read !== undefined; read = spool.read(after, 2_000)) {
      for (const { epoch, seq } of read.batch.flows) seen.get(epoch)?.push(seq) ?? seen.set(epoch, [seq]);
      after = read.last;
    }
    for (const { epoch, durable } of runs) {
      const seqs = seen.get(epoch) ?? [];
      assert.ok(seqs.length >= durable, `${seqs.length} of ${durable}`);
      assert.ok(seqs.every((seq, index) => seq === index));
    }
    assert.deepEqual(
      [...seen.keys()],
      runs.map(({ epoch }) => epoch),
    );
    assert.equal(lost, 0);
  });
});

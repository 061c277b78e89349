import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogPosition } from "../../../collectors/audit/log-position.ts";
import { followLog } from "../../../collectors/audit/log-tail.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { until } from "../../support/until.ts";

describe("an audit log that is followed", () => {
  let folder: string;
  let path: string;
  let stop: AbortController;
  let running: Promise<void>;
  let lines: string[];
  let position: LogPosition | undefined;
  let skipped: string[];
  /** How often it waited. */
  let waited: number;
  const clock: Clock = {
    ...systemClock,
    sleep: (_, signal) => {
      waited += 1;
      return systemClock.sleep(5, signal);
    },
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-tail-"));
    path = join(folder, "audit.log");
    [lines, skipped, position] = [[], [], undefined];
    waited = 0;
  });

  afterEach(async () => {
    await end();
    rmSync(folder, { recursive: true });
  });

  function begin(): void {
    stop = new AbortController();
    const onSkipped = (bytes: number, why: string) => void skipped.push(`${why} ${bytes}`);
    running = (async () => {
      for await (const read of followLog({ path, clock, onSkipped }, position, stop.signal)) {
        lines.push(...read.lines);
        position = read.position;
      }
    })();
  }

  async function end(): Promise<void> {
    stop.abort();
    await running;
  }

  const write = (...texts: readonly string[]) => appendFileSync(path, texts.map((text) => `${text}\n`).join(""));
  const has = (...texts: readonly string[]) => until(texts.join(), () => lines.join() === texts.join());
  const rotate = (time: string) => renameSync(path, join(folder, `audit-${time}.log`));

  it("begins at its end", async () => {
    write("old");
    begin();
    await until("the end", () => position);
    write("new");
    await has("new");
  });

  it("begins with its first line, if it comes later", async () => {
    begin();
    await until("it to wait for the file", () => waited > 0);
    write("a", "b");
    await has("a", "b");
  });

  it("gives lines when they are whole", async () => {
    write("0");
    begin();
    await until("the end", () => position);
    write("a");
    await has("a");
    appendFileSync(path, "b");
    appendFileSync(path, "c\n");
    await has("a", "bc");
  });

  it("goes on where it ended", async () => {
    write("0");
    begin();
    await until("the end", () => position);
    await end();
    write("a");
    begin();
    await has("a");
    await end();
    write("b");
    begin();
    await has("a", "b");
  });

  it("is read to its end when it is put aside, in each file", async () => {
    write("0");
    begin();
    await until("the end", () => position);
    write("a");
    rotate("2026-12-01T10-00-00.000");
    write("b");
    await has("a", "b");
  });

  it("goes on in files that were put aside meanwhile", async () => {
    write("0");
    begin();
    await until("the end", () => position);
    await end();
    write("a");
    rotate("2026-12-01T10-00-00.000");
    write("b");
    rotate("2026-12-01T11-00-00.000");
    write("c");
    begin();
    await has("a", "b", "c");
    assert.deepEqual(skipped, []);
  });

  it("says that something was missed, if the file is gone that it ended in", async () => {
    write("0");
    begin();
    await until("the end", () => position);
    await end();
    write("lost");
    const { ino } = statSync(path);
    rotate("2026-12-01T10-00-00.000");
    write("a");
    assert.notEqual(statSync(path).ino, ino);
    rmSync(join(folder, "audit-2026-12-01T10-00-00.000.log"));
    begin();
    await has("a");
    assert.deepEqual(skipped, ["rotated 0"]);
  });

  it("begins anew when it was emptied", async () => {
    write("0123456789");
    begin();
    await until("the end", () => position);
    await end();
    truncateSync(path);
    write("a");
    begin();
    await has("a");
    assert.deepEqual(skipped, ["truncated 0"]);
  });

  it("skips a line that never ends", async () => {
    begin();
    await until("it to wait for the file", () => waited > 0);
    writeFileSync(path, `${"x".repeat(17_000_000)}\nnext\n`);
    await until("the line after it", () => lines.at(-1) === "next");
    assert.match(skipped.join(), /^long \d+$/);
  }).timeout(10_000);
});

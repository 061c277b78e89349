import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeReporter } from "../../bin/node-reporter.ts";
import type { StatusSources } from "../../bin/node-status.ts";
import { readHits, readStatuses } from "../../bin/status-folder.ts";
import { silentLog } from "../../core/log.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rule } from "../support/program.ts";
import { until } from "../support/until.ts";

describe("bin/node-reporter", () => {
  const stop = new AbortController();
  const clock = new FakeClock(1_700_000_000_000);
  let data = "";
  let packets = 3;
  const told: (string | null)[] = [];
  let isAway = false;
  let sources: StatusSources = {
    node: "node-1",
    version: "0",
    mode: "enforce",
    wanted: "aa",
    due: undefined,
    enforcer: undefined,
    probe: undefined,
    lastArrival: undefined,
  };
  let running: Promise<void>;
  before(() => {
    data = mkdtempSync(join(tmpdir(), "sluice-reporter-"));
    const reporter = new NodeReporter({
      data,
      clock,
      log: silentLog,
      sources: () => sources,
      counters: () => Promise.resolve(new Map([[`r_${rule(1)}`, { packets, bytes: 0 }]])),
      originOf: () => undefined,
      tell: ({ revision }) => {
        told.push(revision.wanted);
        return isAway ? Promise.reject(new Error("away")) : Promise.resolve();
      },
    });
    running = reporter.run(stop.signal);
  });
  after(() => rmSync(data, { recursive: true, force: true }));
  const written = async () => (await readStatuses(data))[0];
  /** Files are written while time stands still, so it is let go on until they are. */
  const eventually = (what: string, holds: () => Promise<boolean>) =>
    until(what, async () => {
      await clock.advance(1_000);
      return holds();
    });

  it("tells what changed within a second", async () => {
    await eventually("the first status", async () => (await written())?.revision.wanted === "aa");
    sources = { ...sources, wanted: "bb" };
    const from = clock.now();
    await eventually("the change", async () => (await written())?.revision.wanted === "bb");
    assert.ok(((await written())?.writtenAt ?? 0) - from <= 2_000);
  });

  it("tells every ten seconds that there is nothing new", async () => {
    const from = (await written())?.writtenAt ?? 0;
    await eventually("the next status", async () => ((await written())?.writtenAt ?? 0) > from);
    const pause = ((await written())?.writtenAt ?? 0) - from;
    assert.ok(pause >= 10_000 && pause < 20_000, `${pause} ms`);
  });

  it("tells others what it writes, and goes on where they are away", async () => {
    isAway = true;
    sources = { ...sources, wanted: "cc" };
    await eventually("the change", async () => (await written())?.revision.wanted === "cc");
    sources = { ...sources, wanted: "dd" };
    await eventually("the next change", async () => (await written())?.revision.wanted === "dd");
    assert.deepEqual([...new Set(told)], ["aa", "bb", "cc", "dd"]);
  });

  it("keeps what counters say, over a reset", async () => {
    await eventually("the first sample", async () => (await readHits(data, "node-1")).rules[rule(1)]?.total === 3);
    packets = 1;
    await eventually("the next sample", async () => (await readHits(data, "node-1")).rules[rule(1)]?.total === 4);
  });

  it("tells at the end that it stopped", async () => {
    stop.abort();
    await running;
    assert.notEqual((await written())?.stoppedAt, null);
  });
});

import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Run, sluice, sluiceTo } from "../bin/command.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

// `sluice up` as a process of its own, on a namespace with nothing in it but loopback.
const objects = world().namespace("shop").node("node-a", "172.18.0.1").pod("shop/web", { app: "web" }).objects;

const sending = 'const s = require("dgram").createSocket("udp4"); s.send("hello", 9, "127.0.0.1", () => s.close())';

describe("sluice up", function () {
  this.timeout(30_000);
  needsKernel("nft");

  let [folder, namespace] = ["", ""];
  const runs: Run[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-up-"));
    await writeFile(join(folder, "all.yaml"), objects.map((object) => stringify(object)).join("---\n"));
    namespace = makeNamespace("up");
  });

  afterEach(async () => {
    for (const { process, ended } of runs.splice(0)) {
      process.kill("SIGKILL");
      await ended;
    }
  });

  after(async () => {
    deleteNamespace(namespace);
    await rm(folder, { recursive: true });
  });

  function up(...args: readonly string[]): Run {
    const run = sluice("up", ...common(), ...args);
    runs.push(run);
    return run;
  }

  const common = () => ["--objects.folder", folder, "--seat", `node-a=${namespace}`, "--metrics.listen", "off"];
  const tables = () => runIn(namespace, "nft", "list", "tables");
  const ready = (run: Run) => until("the service to be ready", () => run.printed.err.includes('"msg":"ready"'), 15_000);
  /** A connection of the node with itself, which conntrack sees. */
  const talk = () => runIn(namespace, process.execPath, "-e", sending);

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    it(`ends in order at ${signal}: a summary, exit code 0, no rules left`, async () => {
      const run = up();
      await ready(run);
      assert.match(tables(), /sluice/);
      run.process.kill(signal);
      assert.equal(await run.ended, 0, run.printed.err);
      assert.match(run.printed.out, /\nSummary\n.*Lost: none\n$/s);
      assert.equal(tables(), "");
    });

  for (const mode of ["observe", "enforce"])
    it(`ends in order at a signal while it starts, with nothing left behind (${mode})`, async () => {
      for (const moment of ["policies compiled", "NOTE"]) {
        const run = up("--enforcer.mode", mode);
        await until(moment, () => `${run.printed.err}${run.printed.out}`.includes(moment), 15_000);
        run.process.kill("SIGTERM");
        assert.equal(await run.ended, 0, run.printed.err);
        assert.equal(tables(), "");
      }
    });

  it("leaves the rules in force if asked to", async () => {
    const run = up("--leave-rules");
    await ready(run);
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0);
    assert.match(tables(), /sluice/);
    runIn(namespace, "nft", "flush", "ruleset");
  });

  it("writes what was collected until the signal, in whole lines", async () => {
    const run = up("-o", "jsonl", "--collector.window-ms", "3600000");
    await ready(run);
    talk();
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0);
    const lines = run.printed.out.trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { readonly type: string; readonly protocol: number });
    assert.ok(records.some(({ type, protocol }) => type === "flow" && protocol === 17));
  });

  it("ends quietly when its reader has gone", async () => {
    const run = up("-o", "jsonl", "--collector.window-ms", "100");
    await ready(run);
    run.process.stdout?.destroy();
    talk();
    const code = await Promise.race([run.ended, until("the end", () => run.process.exitCode ?? false, 10_000)]);
    assert.equal(code ?? 0, 0, run.printed.err);
    assert.equal(tables(), "");
  });

  for (const format of ["jsonl", "table"])
    it(`ends in order when the disk that ${format} goes to is full, and says so`, async () => {
      const full = openSync("/dev/full", "w");
      const run = sluiceTo(full, "up", ...common(), "-o", format);
      runs.push(run);
      closeSync(full);
      // The table begins with a notice, JSON lines with the record that the change log begins.
      assert.equal(await run.ended, 1);
      assert.match(run.printed.err, /^sluice: output: ENOSPC: no space left on device, write$/m);
      assert.equal(tables(), "");
    });

  for (const mode of ["observe", "enforce"])
    it(`says that another program reads the denials, and takes nothing from it (${mode})`, async () => {
      const first = up();
      await ready(first);
      const second = up("--enforcer.mode", mode);
      assert.equal(await second.ended, 1);
      assert.match(
        second.printed.err,
        /^sluice: \S+ \(process \d+\) reads NFLOG group 5, and a group has one reader; .*$/m,
      );
      assert.equal(first.process.exitCode, null);
      assert.match(tables(), /^table inet sluice$/m);
    });

  for (const { title, args, code, message } of [
    {
      title: "a folder that is not there",
      args: ["--objects.folder", "/nowhere"],
      code: 2,
      message: /^sluice: the folder of objects cannot be read: ENOENT/m,
    },
    {
      title: "a namespace that is not there",
      args: ["--enforcer.mode", "observe", "--seat", "node-a=nowhere"],
      code: 1,
      message: /^sluice: there is no network namespace \/run\/netns\/nowhere$/m,
    },
  ])
    it(`says in a sentence that it was given ${title}`, async () => {
      const run = up(...args);
      assert.equal(await run.ended, code, run.printed.err);
      assert.match(run.printed.err, message);
      assert.doesNotMatch(run.printed.err, /\n {4}at /);
    });
});

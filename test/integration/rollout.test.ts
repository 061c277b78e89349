import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { type Run, sluice } from "../bin/command.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

// a and b are pods behind a router, which is the node. Nobody may reach port 81 of b.
const base = () =>
  world()
    .node("router", "10.99.1.1")
    .namespace("from")
    .namespace("to")
    .tier("app", 100)
    .pod("from/a", { app: "a" }, { node: "router", ips: ["10.99.1.2"] })
    .pod("to/b", { app: "b" }, { node: "router", ips: ["10.99.2.2"] });
const policy = (denied: readonly number[]) => ({
  tier: "app",
  selector: "app == 'b'",
  types: ["Ingress"],
  ingress: [{ action: "Deny", protocol: "TCP", destination: { ports: denied } }, { action: "Allow" }],
});
const objects = (...denied: readonly number[]) => base().policy("to/app.b", policy(denied)).objects;

const serving = `for (const port of [80, 81]) require("net").createServer((s) => s.on("error", () => {}).end("hello")).listen(port, "10.99.2.2");
  console.log("ready");`;
const dialling = (address: string, port: number) => `
  const s = require("net").connect({ host: "${address}", port: ${port} }, () => process.exit(0)).on("error", () => process.exit(1));
  setTimeout(() => process.exit(1), 700);`;

describe("rolling out policies on a node", function () {
  this.timeout(120_000);
  needsKernel("nft");
  const lab = new RouterLab();
  let isUp = false;
  let [folder, manifests] = ["", ""];
  const runs: Run[] = [];

  before(async () => {
    lab.up();
    isUp = true;
    for (const [side, address] of [
      ["to-a", "10.99.1.2"],
      ["to-b", "10.99.2.2"],
    ] as const)
      lab.run("router", ["ip", "route", "add", `${address}/32`, "dev", side]);
    await lab.serveWith("b", serving);
  });
  after(() => {
    if (isUp) lab.down();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-rollout-"));
    manifests = join(folder, "manifests");
    execFileSync("mkdir", [manifests]);
    write(objects(81));
  });
  afterEach(async () => {
    for (const run of runs.splice(0)) await kill(run);
    lab.run("router", ["nft", "flush", "ruleset"]);
    rmSync(folder, { recursive: true, force: true });
  });

  function write(all: readonly KubeObject[]): void {
    // At once: what is written in pieces would be read in pieces.
    writeFileSync(join(folder, "new.yaml"), all.map((object) => stringify(object)).join("---\n"));
    renameSync(join(folder, "new.yaml"), join(manifests, "all.yaml"));
  }
  const settings = () => ["--data.folder", join(folder, "data"), "--enforcer.pod-interface-prefixes", "to-"];
  const seat = () => ["--seat", `router=${lab.router}`];
  async function up(...args: readonly string[]): Promise<Run> {
    const run = sluice(
      ...[
        "up",
        "-o",
        "jsonl",
        "--objects.folder",
        manifests,
        "--metrics.listen",
        "off",
        "--collector.window-ms",
        "200",
      ],
      ...[...seat(), ...settings(), ...args],
    );
    runs.push(run);
    await until("the process to be ready", () => run.printed.err.includes('"msg":"ready"'), 30_000);
    return run;
  }
  async function kill(run: Run): Promise<void> {
    run.process.kill("SIGKILL");
    await run.ended;
  }
  async function enforce(...args: readonly string[]): Promise<{ code: number | null; said: string }> {
    const run = sluice("enforce", ...args, "--data.folder", join(folder, "data"));
    const code = await run.ended;
    return { code, said: run.printed.err + run.printed.out };
  }
  /** Kills a process when its rules are on disk, which is a moment after they are in force. */
  async function killKept(run: Run): Promise<void> {
    const file = join(folder, "data/enforcer/router");
    await until("the rules to be kept", () => existsSync(`${file}.ruleset`) && !existsSync(`${file}.unsettled`));
    await kill(run);
  }
  const reaches = (end: "a" | "router", port: number, address = "10.99.2.2") => {
    try {
      lab.run(end, [process.execPath, "-e", dialling(address, port)]);
      return true;
    } catch {
      return false;
    }
  };
  const table = () => lab.run("router", ["nft", "list", "tables"]);
  const flowOf = (run: Run, port: number, holds: (flow: Record<string, unknown>) => boolean) =>
    until(`a flow to port ${port}`, () =>
      run.printed.out
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .find((flow) => flow["destinationPort"] === port && holds(flow)),
    );
  const wouldBeDenied = (flow: Record<string, unknown>) =>
    flow["action"] === "allow" && JSON.stringify(flow["enforced"]).includes("app|np:to/app.b|deny|0");

  it("enforces, and says so", async () => {
    const run = await up();
    assert.deepEqual([reaches("a", 80), reaches("a", 81), reaches("router", 81)], [true, false, true]);
    const flow = await flowOf(run, 81, ({ action }) => action === "deny");
    assert.equal(flow["mode"], "enforced");
  });

  it("lets pods of an observed namespace be reached, and tells what would be denied", async () => {
    const run = await up("--enforcer.observed-namespaces", "to");
    assert.equal(reaches("a", 81), true);
    const flow = await flowOf(run, 81, wouldBeDenied);
    assert.equal(flow["mode"], "observed");
  });

  it("enforces one namespace alone where the cluster observes", async () => {
    await up("--enforcer.mode", "observe", "--enforcer.enforced-namespaces", "to");
    assert.deepEqual([reaches("a", 80), reaches("a", 81)], [true, false]);
  });

  it("denies nothing of others where another namespace alone is enforced", async () => {
    const run = await up("--enforcer.mode", "observe", "--enforcer.enforced-namespaces", "from");
    assert.equal(reaches("a", 81), true);
    assert.equal((await flowOf(run, 81, wouldBeDenied))["mode"], "observed");
  });

  for (const [title, args] of [
    ["a node that only observes", ["--enforcer.observed-nodes", "router"]],
    ["a cluster that only observes", ["--enforcer.mode", "observe"]],
  ] as const)
    it(`has no rules of ours on ${title}, neither of an earlier run`, async () => {
      await kill(await up());
      assert.match(table(), /^table inet sluice$/m);
      const run = await up(...args);
      await until("the table to go", () => !/^table inet sluice$/m.test(table()));
      assert.equal(reaches("a", 81), true);
      assert.equal((await flowOf(run, 81, wouldBeDenied))["mode"], "observed");
    });

  it("holds back what would close a guarded path, and puts it in force when it is accepted", async () => {
    const run = await up("--enforcer.guarded-paths", "from/a -> to/b : tcp/80");
    write(objects(80, 81));
    const [, revision = ""] = await until(
      "the alert",
      () => /policies ([0-9a-f]{16}) are held/.exec(run.printed.err) ?? false,
    );
    assert.equal(reaches("a", 80), true);
    const told = await until("the state", async () => {
      const { code, said } = await enforce("rollout");
      return code === 3 && said;
    });
    assert.match(told, /pod from\/a -> pod to\/b tcp\/80 by NetworkPolicy to\/app.b, rule 0/);
    assert.match(told, new RegExp(`sluice enforce accept ${revision}`));
    assert.equal((await enforce("accept", revision)).code, 0);
    await until("it to be in force", () => !reaches("a", 80));
  });

  it("withdraws what nobody confirms", async () => {
    await up("--enforcer.confirm-ms", "3000");
    write(objects(80));
    await until("it to be in force", () => !reaches("a", 80) && reaches("a", 81));
    await until("it to be withdrawn", () => reaches("a", 80) && !reaches("a", 81), 15_000);
  });

  it("leaves in force what somebody confirms", async () => {
    await up("--enforcer.confirm-ms", "60000");
    write(objects(80));
    await until("it to be in force", () => !reaches("a", 80));
    const { code, said } = await enforce("confirm");
    assert.equal(code, 0, said);
    assert.match((await enforce("rollout")).said, /on trial: {2}nothing/);
  });

  it("denies nothing while break-glass is on, also after kill -9; and everything again when it ends", async () => {
    const run = await up();
    const begun = await enforce("break-glass", "--reason", "INC-4711: b is cut off", "--for", "30m");
    assert.equal(begun.code, 0, begun.said);
    await until("everything to pass", () => reaches("a", 81));
    // Connections of the tests before end late, and are told as enforced.
    const since = systemClock.now() * 1000;
    assert.ok(reaches("a", 81));
    const flow = await flowOf(run, 81, (flow) => wouldBeDenied(flow) && Number(flow["startedAt"]) >= since);
    assert.equal(flow["mode"], "observed", JSON.stringify(flow));
    assert.match(run.printed.err, /ALERT: break-glass everywhere for 30 min/);
    await kill(run);
    await up();
    assert.equal(reaches("a", 81), true);
    assert.match((await enforce("rollout")).said, /break-glass: ON everywhere until .*: INC-4711: b is cut off/);
    assert.equal((await enforce("break-glass", "--end")).code, 0);
    await until("policy to be enforced", () => !reaches("a", 81));
    await until(
      "all to be on record",
      async () => {
        const run = sluice("changes", "--kind", "rollout", "--data-folder", join(folder, "data"), "-o", "jsonl");
        await run.ended;
        const summaries = run.printed.out.split("\n").filter((line) => line !== "");
        return ["let everything pass: INC-4711: b is cut off", "ended break-glass: INC-4711: b is cut off"].every(
          (summary) => summaries.some((line) => (JSON.parse(line) as { summary: string }).summary === summary),
        );
      },
      20_000,
    );
  });

  it("refuses break-glass without a reason, or where nobody runs", async () => {
    assert.equal((await enforce("break-glass", "--for", "30m")).code, 2);
    const { code, said } = await enforce("break-glass", "--reason", "INC-4711: b is cut off", "--for", "30m");
    assert.equal(code, 1);
    assert.match(said, /is "sluice up" running with --data.folder/);
  });

  it("loads the last good rules before anybody runs, and the next process takes them over", async () => {
    await killKept(await up());
    lab.run("router", ["nft", "flush", "ruleset"]);
    const restored = await enforce("--restore", ...seat());
    assert.equal(restored.code, 0, restored.said);
    assert.match(restored.said, /the last good rules of router are in force: \d+ rules, policies [0-9a-f]{16}/);
    assert.deepEqual([reaches("a", 80), reaches("a", 81), reaches("router", 81)], [true, false, true]);
    assert.match((await enforce("restore", ...seat())).said, /rules of ours in force already/);
    const run = await up();
    assert.match(run.printed.err, /"known":true,"msg":"an earlier run left its rules in force"/);
    assert.deepEqual([reaches("a", 80), reaches("a", 81)], [true, false]);
  });

  it("closes pods, but not the node, if there are no last good rules, and says so", async () => {
    const { code, said } = await enforce("restore", ...seat(), "--enforcer.pod-interface-prefixes", "to-");
    assert.equal(code, 3);
    assert.match(said, /router has no last good rules \(none was kept\): its pods are closed until policies are known/);
    // The router itself listens nowhere: it refuses, rather than to say nothing.
    assert.deepEqual([reaches("a", 80), reaches("router", 80)], [false, true]);
    await up();
    assert.deepEqual([reaches("a", 80), reaches("a", 81)], [true, false]);
  });

  it("closes pods if the last good rules are damaged, and says so", async () => {
    await killKept(await up());
    lab.run("router", ["nft", "flush", "ruleset"]);
    const file = join(folder, "data/enforcer/router.ruleset");
    execFileSync("sh", ["-c", `sed -i 's/"accept"/"drop"/' ${file}`]);
    const { code, said } = await enforce("restore", ...seat(), "--enforcer.pod-interface-prefixes", "to-");
    assert.equal(code, 3);
    assert.match(said, /it is damaged: its hash is another one/);
    assert.equal(reaches("a", 80), false);
  });
});

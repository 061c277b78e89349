import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { Collector } from "../../collectors/collector.ts";
import { silentLog } from "../../core/log.ts";
import type { Flow } from "../../core/records/flow.ts";
import { type Run, sluice } from "../bin/command.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

// Observing beside another CNI's policy engine, which has rules, marks, labels of connections and NFLOG groups of its own.

// As Felix has them: groups 1 and 2, accept and drop by mark (felix/rules/rule_defs.go, nflogprefix.go). Labels are what others use.
const theirs = `
table inet calico {
  chain filter-FORWARD {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    tcp dport 9 log prefix "DPI|default.deny-nine" group 1 drop
    ct state new log prefix "API0|default.allow" group 1
    ct state new log prefix "APE0|default.allow" group 2
    ct state new meta mark set 0x10000 ct mark set 0x10000 ct label set 3 ct label set 70 accept
  }
}`;

const pods = { a: { node: "router", ips: ["10.99.1.2"] }, b: { node: "router", ips: ["10.99.2.2"] } };
const objects = world()
  .namespace("lab")
  .node("router", "10.99.1.1")
  .pod("lab/a", { app: "a" }, pods.a)
  .pod("lab/b", { app: "b" }, pods.b)
  .tier("app", 100)
  .policy("lab/app.b", {
    tier: "app",
    selector: "app == 'b'",
    ingress: [{ action: "Allow", protocol: "TCP" }],
  }).objects;

describe("observing beside another CNI's policy engine", function () {
  this.timeout(60_000);
  needsKernel("nft", "conntrack");
  const lab = new RouterLab();
  const runs: Run[] = [];
  let folder = "";

  before(async () => {
    lab.up();
    folder = mkdtempSync(join(tmpdir(), "sluice-beside-"));
    writeFileSync(join(folder, "all.yaml"), objects.map((object) => stringify(object)).join("---\n"));
    await lab.serve("b", "serve", "10.99.2.2", 80, 100);
  });
  beforeEach(() => lab.nft(theirs));
  afterEach(async () => {
    for (const { process: child, ended } of runs.splice(0)) {
      child.kill("SIGKILL");
      await ended;
    }
  });
  after(() => {
    lab.down();
    rmSync(folder, { recursive: true, force: true });
  });

  function up(...args: readonly string[]): Run {
    const common = ["--objects.folder", folder, "--seat", `router=${lab.router}`, "--metrics.listen", "off"];
    const run = sluice("up", "--enforcer.mode", "observe", "-o", "jsonl", ...common, ...args);
    runs.push(run);
    return run;
  }

  const ready = (run: Run) => until("it to be ready", () => run.printed.err.includes('"msg":"ready"'), 30_000);
  const flowsOf = (run: Run) =>
    run.printed.out
      .split("\n")
      .filter((line) => line.startsWith('{"type":"flow"') && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Flow);

  it("takes none of their log messages, and touches none of their rules, marks and labels", async () => {
    const readTheirs = await reader(lab, 1, 2);
    const [rules, marks] = [rulesOf(lab), () => labelsOf(lab)];
    const run = up("--dns.enabled", "true", "--collector.window-ms", "500");
    await ready(run);
    await lab.traffic("a", "tcp", "10.99.2.2", 80, 10, 0);
    await lab.traffic("a", "udp", "10.99.2.2", 4_000, 10, 1, 30_000);
    const during = marks();
    await until("the flows", () => flowsOf(run).length >= 2, 15_000);
    assert.match(during, /mark=65536/);
    assert.equal(rulesOf(lab), rules, "while it runs");
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0, run.printed.err);
    assert.equal(rulesOf(lab), rules, "when it has ended");
    assert.doesNotMatch(lab.run("router", ["nft", "list", "tables"]), /sluice/);
    assert.deepEqual(await readTheirs(), { "API0|default.allow": 2, "APE0|default.allow": 2 });
  });

  it("claims no verdict of the kernel's: what passed is told with what policy says, though somebody else gave them labels", async () => {
    const run = up("--collector.window-ms", "500");
    await ready(run);
    await lab.traffic("a", "tcp", "10.99.2.2", 80, 10, 0);
    await lab.traffic("a", "udp", "10.99.2.2", 4_001, 10, 1, 30_001);
    await until("the flows", () => new Set(flowsOf(run).map(({ protocol }) => protocol)).size >= 2, 15_000);
    const told = new Set(
      flowsOf(run).map(({ protocol, verdictSource, mode, action, enforced }) => {
        const wanted = enforced.at(-1)?.split("|").at(-2);
        return `${protocol}: ${action}, policy says ${wanted}, ${verdictSource} ${mode}`;
      }),
    );
    assert.deepEqual([...told].sort(), [
      "17: allow, policy says deny, evaluated observed",
      "6: allow, policy says allow, evaluated observed",
    ]);
  });

  it("names who reads its group, and the setting with a group that is free", async () => {
    const readTheirs = await reader(lab, 4, 5);
    const options = { node: "router", cluster: "test", namespacePath: lab.routerPath, log: silentLog };
    const stop = new AbortController();
    const refused = new Collector(options);
    await assert.rejects(refused.run(stop.signal), {
      code: "PORT_TAKEN",
      message: new RegExp(
        `^\\S+ \\(process ${readTheirs.pid}\\) reads NFLOG group 5, .*: --collector\\.nflog-group 6$`,
      ),
    });
    const collector = new Collector({ ...options, nflogGroup: 6 });
    const ended = collector.run(stop.signal);
    await Promise.race([collector.ready, ended]);
    stop.abort();
    await ended;
    await readTheirs();
  });
});

/** Rules of others, without counts. */
const rulesOf = (lab: RouterLab) => lab.run("router", ["nft", "-s", "-a", "list", "table", "inet", "calico"]);

const labelsOf = (lab: RouterLab) => lab.run("router", ["conntrack", "-L", "-o", "labels"]);

/** Another program that reads groups; the result ends it and tells how many packets came with which prefix. */
async function reader(lab: RouterLab, ...groups: readonly number[]) {
  const path = new URL("../collectors/read-group.ts", import.meta.url).pathname;
  const words = ["netns", "exec", lab.router, process.execPath, path, ...groups.map(String)];
  const child = spawn("ip", words, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  await once(child.stdout, "data");
  const end = async () => {
    child.kill("SIGTERM");
    await once(child, "close");
    return JSON.parse(printed.trim().split("\n").at(-1) ?? "") as Record<string, number>;
  };
  // ip becomes the program (ip-netns(8)).
  return Object.assign(end, { pid: child.pid });
}

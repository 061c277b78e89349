import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Run, sluice } from "../bin/command.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { needsServices } from "../support/needs-services.ts";
import { SecuredKafka } from "../support/secured-kafka.ts";
import { until } from "../support/until.ts";
import { objects } from "./router-objects.ts";

// A broker that denies what no rule allows; each process is somebody of its own, with the rights that `sluice bus acls` gives its role.

const roles = ["collector", "enricher", "watcher", "archive", "file", "undertaker"] as const;
type Role = (typeof roles)[number];

describe("processes of sluice on a broker that denies what no rule allows", function () {
  this.timeout(180_000); // processes and a broker, on a machine that may be busy
  needsKernel("nft");
  needsServices("kafka");
  const lab = new RouterLab();
  const broker = new SecuredKafka("bus-rights");
  const folder = mkdtempSync(join(tmpdir(), "sluice-rights-"));
  const running: Run[] = [];
  const shape = ["--bus.prefix", "acme", "--bus.replicas", "1", "--bus.partitions", "2"];
  const passwordFile = join(folder, "password");

  const plain = () => ["--bus.brokers", broker.address("plain"), ...shape];
  const as = (who: string) => [
    ...["--bus.brokers", broker.address("sasl"), ...shape, "--bus.manage-topics", "false"],
    ...["--bus.tls", "true", "--bus.ca-file", broker.authorityFile],
    ...["--bus.sasl", "scram-sha-512", "--bus.username", who, "--bus.password-file", passwordFile],
  ];
  const objectsFlag = ["--objects.folder", join(folder, "objects")];
  const archive = join(folder, "archive");
  const file = join(folder, "flows.jsonl");

  /** What each does, wherever it keeps its own. */
  const commands: Readonly<Record<Role, (own: string) => readonly string[]>> = {
    collector: (own) => [
      "collect",
      "--seat",
      `node-1=${lab.router}`,
      "--data.folder",
      own,
      "--collector.window-ms",
      "500",
    ],
    enricher: () => ["enrich", ...objectsFlag, "--enforcer.mode", "observe"],
    watcher: () => ["watch", ...objectsFlag],
    archive: (own) => ["sink", "archive", "--data.folder", own, "--archive.flush-ms", "500"],
    file: (own) => ["sink", "file", "--file.path", `${own}.jsonl`, "--group", "audit"],
    undertaker: () => ["dead", "list"],
  };

  async function done(...words: readonly string[]): Promise<string> {
    const run = sluice(...words);
    assert.equal(await run.ended, 0, run.printed.err);
    return run.printed.out;
  }

  function begin(role: Role, who: string, own = join(folder, role)): Run {
    const observed = role === "undertaker" ? [] : ["--metrics.listen", "off"];
    const run = sluice(...commands[role](own), ...as(who), ...observed);
    running.push(run);
    return run;
  }

  async function start(role: Role): Promise<Run> {
    const run = begin(
      role,
      role,
      role === "archive" ? archive : role === "file" ? file.replace(".jsonl", "") : undefined,
    );
    await until(
      `${role} to be ready`,
      () => {
        if (run.process.exitCode !== null) throw new Error(`${role} ended: ${run.printed.err}`);
        return run.printed.err.includes('"ready"');
      },
      60_000,
    );
    return run;
  }

  before(async function () {
    this.timeout(180_000);
    writeFileSync(passwordFile, broker.password);
    mkdirSync(join(folder, "objects"));
    writeFileSync(join(folder, "objects", "all.yaml"), objects);
    lab.up();
    await broker.up(["admin", ...roles, "stranger"], []);
    const give = (role: string) => ["bus", "acls", "--role", role, "--principal", `User:${role}`, "--apply"];
    await done(...give("admin"), ...plain());
    await done("bus", "topics", "--apply", ...as("admin"));
    for (const role of roles)
      await done(...give(role), ...(role === "file" ? ["--group", "audit"] : []), ...as("admin"));
  });
  after(async () => {
    for (const { process } of running) process.kill("SIGKILL");
    lab.down();
    await broker.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it("bring a connection into the archive and the file, each with its own rights only", async () => {
    const processes: Run[] = [];
    for (const role of ["watcher", "archive", "file", "enricher", "collector"] as const)
      processes.push(await start(role));
    await lab.serve("b", "serve", "10.99.2.2", 8080, 500);
    await lab.traffic("a", "tcp", "10.99.2.2", 8080, 100, 0);
    const told = () =>
      done("flows", "--since", "10m", "--filter", "port = 8080", "--data.folder", archive, "-o", "jsonl");
    const flow = await until("the connection to be in the archive", async () => (await told()) || undefined, 60_000);
    assert.match(flow, /"name":"web"/);
    assert.match(flow, /"name":"db"/);
    assert.equal((await done("dead", "list", "-o", "json", ...as("undertaker"))).trim(), "[]");
    for (const run of processes.toReversed()) {
      run.process.kill("SIGTERM");
      assert.equal(await run.ended, 0, run.printed.err);
    }
    const told2 = processes.map(({ printed }) => printed.err).join("");
    assert.doesNotMatch(told2, /is missing|may be missing/);
  });

  for (const { role, who, right } of [
    { role: "collector", who: "watcher", right: /the right Write on the topic acme\.(flows\.raw|heartbeats|losses)/ },
    {
      role: "enricher",
      who: "watcher",
      // Whichever of them it is told of first.
      right: /the right (Read|Describe|Write) on the (topic|group|transactional id) acme\./,
    },
    {
      role: "watcher",
      who: "collector",
      right: /the right (Read|Describe) on the (topic acme\.(endpoints|programs)|group acme\.reader)/,
    },
    { role: "archive", who: "enricher", right: /the right Read on the (topic|group) acme\./ },
    { role: "file", who: "archive", right: /the right Read on the group acme\.audit/ },
    {
      role: "undertaker",
      who: "stranger",
      right: /the right (Read|Describe) on the (topic acme\.dead|group acme\.reader)/,
    },
  ] as const)
    it(`say which right is missing: ${commands[role]("").slice(0, 2).join(" ")} as the ${who}`, async () => {
      const run = begin(role, who, join(folder, `${role}-as-${who}`));
      await until("the right to be named", () => right.test(run.printed.err) || run.process.exitCode !== null, 60_000);
      run.process.kill("SIGTERM");
      await run.ended;
      assert.match(run.printed.err, right);
    });
});

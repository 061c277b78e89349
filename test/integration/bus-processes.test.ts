import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { needsServices } from "../support/needs-services.ts";
import { until } from "../support/until.ts";
import { objects } from "./router-objects.ts";

// One node's collector, an enricher, a watcher and an archive as processes of their own, with Kafka between them.

const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
const connections = 30;

interface Told {
  readonly epoch: number;
  readonly seq: number;
  readonly sourcePort: number;
  readonly source: { readonly name: string } | null;
  readonly destination: { readonly name: string } | null;
}

describe("collect, enrich, watch and sink over Kafka", function () {
  this.timeout(120_000); // processes and a broker, on a machine that may be busy
  needsKernel("nft");
  const address = needsServices("kafka");
  const lab = new RouterLab();
  const folder = mkdtempSync(join(tmpdir(), "sluice-bus-"));
  const running: ChildProcess[] = [];
  const prefix = `t${randomUUID().slice(0, 8)}`;

  const bus = () => ["--bus.brokers", address("kafka"), "--bus.prefix", prefix, "--bus.replicas", "1"];
  const quiet = ["--metrics.listen", "off", "--bus.partitions", "3"];

  /** Resolves when it is ready. */
  async function start(command: readonly string[], ...args: readonly string[]): Promise<ChildProcess> {
    const words = [program, ...command, ...bus(), ...quiet, ...args];
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_")));
    const child = spawn(process.execPath, words, { env, stdio: ["ignore", "inherit", "pipe"] });
    running.push(child);
    let printed = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    await until(
      `${command.join(" ")} to be ready`,
      () => {
        if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended: ${printed}`);
        return printed.includes('"ready"');
      },
      60_000,
    );
    return child;
  }

  async function stop(child: ChildProcess): Promise<void> {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(child.exitCode, 0);
  }

  const ask = (...words: readonly string[]) =>
    execFileSync(process.execPath, [program, ...words, "--data.folder", join(folder, "archive"), "-o", "jsonl"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  const lines = <T>(text: string) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as T);

  before(() => {
    lab.up();
    mkdirSync(join(folder, "objects"));
    writeFileSync(join(folder, "objects", "all.yaml"), objects);
  });
  after(() => {
    for (const child of running) child.kill("SIGKILL");
    lab.down();
    rmSync(folder, { recursive: true, force: true });
  });

  it("tell of every connection once, with names, though the enricher is killed meanwhile", async () => {
    const objectsFlag = ["--objects.folder", join(folder, "objects")];
    const observing = ["--enforcer.mode", "observe"];
    const sink = await start(
      ["sink", "archive"],
      "--data.folder",
      join(folder, "archive"),
      "--archive.flush-ms",
      "500",
    );
    const watcher = await start(["watch"], ...objectsFlag);
    const first = await start(["enrich"], ...objectsFlag, ...observing);
    const seat = `node-1=${lab.router}`;
    const spool = ["--data.folder", join(folder, "node"), "--collector.window-ms", "500"];
    const collector = await start(["collect"], "--seat", seat, ...spool);
    await lab.serve("b", "serve", "10.99.2.2", 8080, 500);
    for (let turn = 0; turn < connections; turn++) {
      if (turn === connections / 2) first.kill("SIGKILL");
      await lab.traffic("a", "tcp", "10.99.2.2", 8080, 100 + turn, 0);
    }
    const second = await start(["enrich"], ...objectsFlag, ...observing);
    await stop(collector);
    const told = () => lines<Told>(ask("flows", "--since", "10m", "--filter", "port = 8080"));
    const ports = () => new Set(told().map(({ sourcePort }) => sourcePort));
    await until("all connections to be in the archive", () => ports().size >= connections, 60_000);
    for (const child of [second, watcher, sink]) await stop(child);
    const all = told();
    assert.equal(ports().size, connections);
    assert.equal(new Set(all.map(({ epoch, seq }) => `${epoch} ${seq}`)).size, all.length, "none twice");
    const pairs = new Set(all.map(({ source, destination }) => `${source?.name} ${destination?.name}`));
    assert.deepEqual(pairs, new Set(["web db"]));
    const seconds = lines<{ readonly state: string }>(ask("completeness", "--since", "10m"));
    assert.ok(seconds.some(({ state }) => state === "complete"));
    assert.deepEqual(
      lines<{ name: string }>(ask("endpoints", "--ip", "10.99.1.2")).map(({ name }) => name),
      ["web"],
    );
  });
});

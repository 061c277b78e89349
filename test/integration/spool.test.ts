import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { systemClock } from "../../core/clock.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { randomFrom } from "../support/random.ts";

const program = new URL("../collectors/spool/collect-until-killed.ts", import.meta.url).pathname;
const ruleset = "table inet t { chain f { type filter hook forward priority 0; ct state new accept; }; }";
const datagramBytes = 28 + 4;

type Told = ({ kind: "flow" } & RawFlow) | ({ kind: "loss" } & Loss) | ({ kind: "heartbeat" } & Heartbeat);

/** Records by their id; those that came twice must be equal. */
function recordsIn(file: string): readonly Told[] {
  const found = new Map<string, Told>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (!line.endsWith("}")) continue; // cut off with its process, and therefore not acked
    const record = JSON.parse(line) as Told;
    const id = `${record.epoch}:${record.seq}`;
    assert.deepEqual(record, found.get(id) ?? record, "a record that came twice has changed");
    found.set(id, record);
  }
  return [...found.values()];
}

describe("a collector killed with -9 twenty times under traffic", function () {
  this.timeout(180_000);
  needsKernel("nft");
  const lab = new RouterLab();
  const folder = mkdtempSync(`${tmpdir()}/sluice-spool-`);
  const file = `${folder}/told.jsonl`;
  let running: ChildProcess | undefined;
  let up = false;

  before(() => {
    lab.up();
    up = true;
    lab.nft(ruleset);
    // Connections must end while the test runs, also between two lives of the collector.
    lab.run("router", ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=1"]);
  });

  after(() => {
    running?.kill("SIGKILL");
    if (up) lab.down();
    rmSync(folder, { recursive: true, force: true });
  });

  async function begin(): Promise<ChildProcess> {
    const args = [program, lab.routerPath, `${folder}/spool`, file];
    running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    if (running.stdout !== null) await once(running.stdout, "data");
    return running;
  }

  it("told of every connection, of no byte twice, or that it did not see it", async () => {
    const scans: { readonly from: number; readonly ports: number; readonly startedAt: number; endedAt: number }[] = [];
    let child = await begin();
    const random = randomFrom(7);
    for (let life = 0; life < 20; life++) {
      const from = 10_000 + life * 1_000;
      const scan = { from, ports: 1_000, startedAt: systemClock.now(), endedAt: 0 };
      scans.push(scan);
      const traffic = lab.traffic("a", "scan", "10.99.2.2", from, scan.ports);
      await systemClock.sleep(200 + random() * 1_200);
      child.kill("SIGKILL");
      await once(child, "exit");
      await systemClock.sleep(random() * 300);
      child = await begin();
      await traffic;
      scan.endedAt = systemClock.now();
    }
    await systemClock.sleep(1_000);
    child.kill("SIGTERM");
    await once(child, "exit");

    const records = recordsIn(file);
    const flows = records.filter((record) => record.kind === "flow");
    const losses = records.filter((record) => record.kind === "loss" && record.source === "conntrack");
    const told = new Map<number, RawFlow[]>();
    for (const flow of flows) told.set(flow.destinationPort, [...(told.get(flow.destinationPort) ?? []), flow]);
    let missing = 0;
    for (const { from, ports, startedAt, endedAt } of scans)
      for (let port = from; port < from + ports; port++) {
        const ours = told.get(port) ?? [];
        const sum = (field: "packets" | "bytes") => ours.reduce((total, flow) => total + flow[field], 0);
        if (ours.length > 0) assert.deepEqual([sum("packets"), sum("bytes")], [1, datagramBytes], `port ${port}`);
        else {
          missing++;
          const within = losses.some(({ start, end }) => start <= (endedAt + 3_000) * 1000 && end >= startedAt * 1000);
          assert.ok(within, `port ${port} was not told, and no loss covers it`);
        }
        assert.equal(
          new Set(ours.map(({ connection, startedAt }) => `${connection} ${startedAt}`)).size,
          ours.length > 0 ? 1 : 0,
        );
        assert.ok(ours.filter(({ state }) => state === "closed").length <= 1, `port ${port} was closed twice`);
      }
    assert.equal(losses.length, 20);
    console.log(`      ${told.size} of 20000 connections told, ${missing} inside a recorded loss`);
    // How many depends on how long a busy machine takes to start the collector: each lives for a second only.
    assert.ok(told.size > 2_000);
    for (const epoch of new Set(records.map((record) => record.epoch))) {
      const seqs = records.filter((record) => record.epoch === epoch).map(({ seq }) => seq);
      assert.deepEqual(
        seqs.sort((a, b) => a - b),
        seqs.map((_, index) => index),
        `epoch ${epoch}`,
      );
    }
  });
});

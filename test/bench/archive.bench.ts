// What the archive costs to write, to keep and to ask. npm run bench -- archive [--rows 10000000]
//
// Method. Records of realistic-flows.ts (stated there), 280 a second of record time, so a million an hour; made before the clock starts.
// Write: batches of 2,000 to the sink with a flush each 100,000 (as the archive flushes when so many wait), until durable in l0 files;
// the first of them warms up; CPU time of the process with DuckDB's threads (process.cpuUsage, user and system). Seal: the same for sealing those hours; bytes a flow are of the sealed segments.
// Beside them, the same records as gzip JSON lines and as Avro bodies under zstd, both at default level, 50,000 of them.
// Ask: a process of its own, a cap of 512 MiB; each question 20 times with other namespaces, addresses and hours, one
// at a time; CPU is of all threads and for one answer: where it is less than half the time, others had the machine; memory is that process's
// greatest resident size (VmHWM).

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { parseCidr } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import type { Filter } from "../../core/filter/filter.ts";
import { silentLog } from "../../core/log.ts";
import { flowCodec } from "../../core/records/codec.ts";
import type { Flow } from "../../core/records/flow.ts";
import { Archive } from "../../sinks/archive/archive.ts";
import { ArchiveStore } from "../../sinks/archive/archive-store.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { realisticFlows } from "./realistic-flows.ts";

const flag = process.argv.indexOf("--rows");
const total = flag < 0 ? 1_000_000 : Number(process.argv[flag + 1]);
const start = 1_700_002_800_000_000; // a full hour
const hourUs = 3_600_000_000;
const never = new AbortController().signal;
const chunk = 100_000;

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  try {
    // A clock that stands still: nothing is sealed while rows are written, and then all of it at once.
    const clock = new FakeClock(systemClock.now());
    const archive = new Archive({ folder, clock, log: silentLog, flushMs: 3_600_000, memoryMb: 768 });
    await archive.open();
    const sample = await write(archive);
    const sealing = await cpuSeconds(() => archive.maintain());
    console.log(`sealed                ${perSecond(total, sealing)} rows per core-second more, by and by`);
    await archive.close();
    await size(folder, sample);
    await writeFile(join(folder, "sample.json"), JSON.stringify(sample.filter((_, at) => at % 997 === 0)));
    const { stdout } = await promisify(execFile)(process.execPath, [
      import.meta.filename,
      "--ask",
      folder,
      "--rows",
      String(total),
    ]);
    console.log(stdout.trimEnd());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(archive: Archive): Promise<readonly Flow[]> {
  const sample: Flow[] = [];
  const source = realisticFlows({ start, rate: 1_000_000 / 3_600, batch: 2_000 });
  let seconds = 0;
  for (let rows = 0; rows < total; rows += chunk) {
    const batches = Array.from({ length: chunk / 2_000 }, () => source.next().value as readonly Flow[]);
    if (sample.length < 50_000) for (const batch of batches) sample.push(...batch);
    const took = await cpuSeconds(async () => {
      const written = batches.map((batch) => archive.sink("flow").write(batch, never));
      await Promise.all([...written, archive.flush()]);
    });
    if (rows > 0) seconds += took;
  }
  console.log(`archived (l0 durable) ${perSecond(total - chunk, seconds)} rows per core-second (limit 80,000)`);
  return sample;
}

async function size(folder: string, sample: readonly Flow[]): Promise<void> {
  const names = await readdir(join(folder, "archive"), { recursive: true });
  const files = await Promise.all(
    names.filter((name) => name.endsWith(".parquet")).map((name) => stat(join(folder, "archive", name))),
  );
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const json = gzipSync(sample.map((flow) => JSON.stringify(flow)).join("\n")).length;
  const codec = flowCodec();
  const avro = zstdCompressSync(Buffer.concat(sample.map((flow) => codec.encode(flow).subarray(10)))).length;
  const each = (all: number, count: number) => (all / count).toFixed(1);
  console.log(`bytes a flow          ${each(bytes, total)} in ${files.length} files (limit 45)`);
  console.log(`  beside              ${each(json, sample.length)} gzip JSON, ${each(avro, sample.length)} zstd Avro`);
}

async function ask(folder: string): Promise<void> {
  const sample = JSON.parse(await readFile(join(folder, "sample.json"), "utf8")) as readonly Flow[];
  const store = new ArchiveStore({ folder, memoryMb: 512 });
  const hours = Math.max(1, Math.floor(total / 1_000_000));
  const test = (
    field: "verdict" | "ns" | "src.ip" | "dst.ip",
    value: string | ReturnType<typeof parseCidr>,
  ): Filter => ({
    op: "test",
    field,
    key: null,
    comparator: "=",
    values: [value],
  });
  for (const limit of [100, 2_000])
    await timed(`denied flows of a namespace in an hour, newest ${limit}`, async (turn) => {
      const since = start + (turn % hours) * hourUs;
      const filter: Filter = { op: "and", terms: [test("verdict", "deny"), test("ns", `team-${turn * 2}`)] };
      const query = { since, until: since + hourUs, filter, allReports: false, order: "newest", limit } as const;
      return (await store.search(query, never)).items.length;
    });
  await timed("one connection by address and time", async (turn) => {
    const flow = sample[turn] as Flow;
    const filter: Filter = {
      op: "and",
      terms: [test("src.ip", parseCidr(flow.sourceAddress)), test("dst.ip", parseCidr(flow.destinationAddress))],
    };
    const span = { since: flow.start - 60_000_000, until: flow.start + 60_000_000 };
    return (await store.search({ ...span, filter, allReports: true, order: "oldest", limit: 100 }, never)).items.length;
  });
  await store.close();
  const status = await readFile("/proc/self/status", "utf8");
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  console.log(`greatest memory       ${Math.round(peak)} MiB (limit 1,024)`);
}

async function timed(what: string, question: (turn: number) => Promise<number>): Promise<void> {
  const times: number[] = [];
  let found = 0;
  const cpu = process.cpuUsage();
  for (let turn = 0; turn < 20; turn++) {
    const before = systemClock.monotonic();
    found += await question(turn);
    times.push(systemClock.monotonic() - before);
  }
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const [middle, p95] = [times[10] as number, times[18] as number];
  const took = `median ${middle.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms (limit 300), CPU ${((user + system) / 20_000).toFixed(0)} ms`;
  console.log(`${what}: ${took}, ${found} rows in 20 answers`);
}

async function cpuSeconds(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const perSecond = (count: number, seconds: number) => Math.round(count / seconds).toLocaleString("en");

const asked = process.argv.indexOf("--ask");
if (asked < 0) await main();
else await ask(process.argv[asked + 1] as string);

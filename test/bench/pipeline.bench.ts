// From a packet to a document that a search finds, through every process. Run: npm run bench -- pipeline (as root) [per second] [seconds]
//
// Method. A generator in a network namespace opens 5,000 TCP connections a second for 60 s and resets each at once: one record each, with the
// verdict of two rules. sluice collect (windows of 1 s, a spool with fsync each second), sluice enrich and sluice sink elasticsearch run as
// processes of their own, with their defaults; Kafka (zstd, acks of all) and Elasticsearch (refresh each second) are those that `npm run
// services -- up` started, else some of this run. Everything shares the machine. Of every 500th connection a search asks for its document
// each 100 ms until it is there; its time is from the kernel's time of the packet (the record's event.start) to that answer, so the question's
// own time and the 100 ms are in it. Those of the first 10 s are left out: they find the processes cold. At the end every connection must have its document
// once. CPU time is that of each process over the load (/proc/PID/stat); of the way, each process says how old records were when they were stored behind
// it (sluice_store_freshness_seconds, cold seconds included). Sizes are those of the broker's files and of the index after a merge, of a pod with one label,
// so labels weigh little: elasticsearch.bench.ts has more of them. Ends with code 1 if a limit is not kept.
//
// No peer beside it: of programs that one can have as ordinary packages flowlogs-pipeline comes nearest (enrich.bench.ts has it), and writes to Loki, IPFIX,
// gRPC and standard output, not to Elasticsearch. Vector is no package of any registry (docs/performance.md).
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, errors } from "@elastic/elasticsearch";
import { parseTime, systemClock } from "../../core/clock.ts";
import { developmentFolder, servicesIn } from "../../scripts/services/places.ts";
import { freePort } from "../../scripts/services/processes.ts";
import { LoadLab } from "./load-lab.ts";
import { bulksOf, cpuOf, freshnessOf, peakOf, type Stage } from "./stage-cost.ts";

const [perSecond, seconds] = [Number(process.argv[2] ?? 5_000), Number(process.argv[3] ?? 60)];
const limitMs = 5_000;
const everyth = 500;
const coldMs = 10_000;
const pollMs = 100;
const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
const prefix = `bench${randomUUID().slice(0, 8)}`;

/** As connection-load.ts numbers its connections. */
const portsOf = (connection: number) => ({
  source: 1024 + (connection % 60_000),
  destination: 1000 + Math.floor(connection / 60_000),
});

const objects = `
{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
{ apiVersion: v1, kind: Node, metadata: { name: node-1 }, spec: { podCIDR: 10.98.0.0/16 } }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, uid: u1, labels: { app: web } }
spec: { nodeName: node-1, containers: [] }
status: { podIP: 10.98.0.1, podIPs: [{ ip: 10.98.0.1 }] }
`;

/** Resolves when it is ready. */
async function start(words: readonly string[], running: ChildProcess[]): Promise<Stage> {
  const metrics = `127.0.0.1:${await freePort()}`;
  const command = [program, ...words, "--metrics.listen", metrics];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "ignore", "pipe"] });
  running.push(child);
  let printed = "";
  const ready = Promise.withResolvers<void>();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    if (printed.includes('"ready"')) ready.resolve();
  });
  child.once("exit", () => ready.reject(new Error(`sluice ${words.join(" ")} ended: ${printed}`)));
  await ready.promise;
  return { name: words[0] === "sink" ? "sink" : (words[0] as string), pid: child.pid as number, metrics };
}

interface Sample {
  readonly source: number;
  readonly destination: number;
}

interface Found {
  readonly "source.port": readonly number[];
  readonly "destination.port": readonly number[];
  readonly "event.start": readonly string[];
}

/** Asks for the documents of samples until the signal aborts. Gives how long each took, in ms, in the order in which they were found. */
async function watchFor(client: Client, samples: readonly Sample[], begun: number, signal: AbortSignal) {
  const left = new Map(samples.map((sample) => [`${sample.source} ${sample.destination}`, sample]));
  const took: { readonly at: number; readonly ms: number }[] = [];
  while (!signal.aborted && left.size > 0) {
    // Those that may be there by now, the oldest first.
    const due = Math.ceil(((systemClock.monotonic() - begun) / 1000 + 1) * perSecond) / everyth;
    const asked = [...left.values()].slice(0, Math.max(1, due - (samples.length - left.size)));
    const hits = await documentsOf(client, asked);
    const now = systemClock.now();
    for (const { fields } of hits) {
      const document = fields as unknown as Found;
      const key = `${document["source.port"][0]} ${document["destination.port"][0]}`;
      if (!left.delete(key)) continue;
      const at = parseTime(document["event.start"][0] as string) as number;
      took.push({ at, ms: now - at });
    }
    await systemClock.sleep(pollMs, signal);
  }
  return took;
}

/** None while an index is being made. */
async function documentsOf(client: Client, samples: readonly Sample[]) {
  const fields = [
    "source.port",
    "destination.port",
    { field: "event.start", format: "strict_date_optional_time_nanos" },
  ];
  const query = { bool: { filter: [{ terms: { "source.port": samples.map(({ source }) => source) } }] } };
  try {
    const all = { index: `sluice-flow-${prefix}-*`, ignore_unavailable: true, size: 1_000, _source: false };
    return (await client.search({ ...all, fields, query })).hits.hits;
  } catch (thrown) {
    if (thrown instanceof errors.ResponseError && thrown.statusCode === 503) return [];
    throw thrown;
  }
}

async function main(): Promise<void> {
  const development = servicesIn(developmentFolder).running();
  const ownFolder = `${developmentFolder}-bench-${process.pid}`;
  const own = servicesIn(ownFolder);
  const env: Record<string, string> = {};
  for (const name of ["kafka", "elasticsearch"] as const)
    Object.assign(env, development.find((one) => one.name === name)?.started.env ?? (await own.up(name)));
  const services = development.some(({ name }) => name === "kafka") ? developmentFolder : ownFolder;
  const folder = mkdtempSync(join(tmpdir(), "sluice-pipeline-"));
  mkdirSync(join(folder, "objects"));
  writeFileSync(join(folder, "objects", "all.yaml"), objects);
  const lab = new LoadLab();
  const running: ChildProcess[] = [];
  lab.up();
  try {
    const bus = ["--bus.brokers", env["KAFKA_BROKERS"] as string, "--bus.prefix", prefix, "--bus.replicas", "1"];
    const [elasticsearch, known] = [env["ELASTICSEARCH_URL"] as string, ["--objects.folder", join(folder, "objects")]];
    const at = [
      "--elasticsearch.urls",
      elasticsearch,
      "--elasticsearch.namespace",
      prefix,
      "--elasticsearch.replicas",
      "0",
    ];
    const seat = [
      "--seat",
      `node-1=${lab.name}`,
      "--data.folder",
      join(folder, "node"),
      "--collector.window-ms",
      "1000",
    ];
    const stages = [
      await start(["sink", "elasticsearch", ...bus, ...at], running),
      await start(["enrich", ...bus, ...known, "--enforcer.mode", "observe"], running),
      await start(["collect", ...bus, ...seat], running),
    ];
    const servers = servicesIn(services)
      .running()
      .map(({ name, started }) => ({ name, pid: started.pid }));
    await measure(lab, new Client({ node: elasticsearch }), stages, servers);
    for (const topic of ["flows.raw", "flows"])
      console.log(`bytes in Kafka, ${topic}: ${Math.round(bytesIn(join(services, "kafka", "log"), topic))} a record`);
  } finally {
    for (const child of running) {
      child.removeAllListeners("exit");
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    }
    lab.down();
    await own.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  lab: LoadLab,
  client: Client,
  stages: readonly Stage[],
  servers: readonly Pick<Stage, "name" | "pid">[],
): Promise<void> {
  const all = [...stages, ...servers];
  const total = perSecond * seconds;
  const samples = Array.from({ length: Math.floor(total / everyth) }, (_, index) => portsOf(index * everyth));
  const before = all.map(({ pid }) => cpuOf(pid));
  const [begun, beganAt] = [systemClock.monotonic(), systemClock.now()];
  const giveUp = AbortSignal.timeout((seconds + 60) * 1000);
  const [took, load] = await Promise.all([watchFor(client, samples, begun, giveUp), lab.load(perSecond, total)]);
  const cpu = all.map(({ name, pid }, index) => `${name} ${(cpuOf(pid) - (before[index] as number)).toFixed(1)} s`);
  const warm = took
    .filter(({ at }) => at >= beganAt + coldMs)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  const of = (share: number) => Math.round(warm[Math.floor(share * (warm.length - 1))] ?? Number.NaN);
  const documents = await settled(client, total);
  console.log(
    `${total.toLocaleString("en")} connections, ${Math.round(load.opened / load.seconds).toLocaleString("en")} a second`,
  );
  console.log(
    `packet to searchable document: middle ${of(0.5)} ms, 99 of 100 ${of(0.99)} ms (limit ${limitMs}), last ${of(1)} ms`,
  );
  console.log(
    `documents: ${documents.toLocaleString("en")} (limit: one each); samples found: ${took.length} of ${samples.length}`,
  );
  console.log(`CPU time over the load: ${cpu.join(", ")}`);
  for (const stage of stages.toReversed()) {
    const { count, mean, below } = await freshnessOf(stage);
    console.log(
      `${stage.name}: stored ${thousands(count)}, on average ${mean.toFixed(2)} s after their beginning, 99 of 100 within ${below} s; at most ${peakOf(stage.pid).toFixed(0)} MiB`,
    );
  }
  const bulks = await bulksOf(stages[0] as Stage);
  console.log(`bulk requests: ${bulks.count}, of ${Math.round(bulks.mean * 1000)} ms`);
  console.log(`bytes in Elasticsearch: ${Math.round(await bytesOf(client))} a document`);
  if (!(of(0.99) <= limitMs) || documents !== total || took.length < samples.length) process.exitCode = 1;
}

const thousands = (value: number) => value.toLocaleString("en");

/** Of a record of the load, in the broker's files. */
function bytesIn(folder: string, topic: string): number {
  const partitions = readdirSync(folder).filter((name) => new RegExp(`^${prefix}[.]${topic}-\\d+$`).test(name));
  const logs = partitions.flatMap((partition) =>
    readdirSync(join(folder, partition)).flatMap((name) =>
      name.endsWith(".log") ? [join(folder, partition, name)] : [],
    ),
  );
  return logs.reduce((sum, log) => sum + statSync(log).size, 0) / (perSecond * seconds);
}

/** Of a document, its part of the index after a merge. */
async function bytesOf(client: Client): Promise<number> {
  const index = `sluice-flow-${prefix}-*`;
  await client.indices.forcemerge({ index, max_num_segments: 1 });
  const { _all } = await client.indices.stats({ index, metric: ["store", "docs"] });
  return (_all.primaries?.store?.size_in_bytes ?? 0) / (_all.primaries?.docs?.count ?? 0);
}

/** How many documents of the load there are, once that is as many as expected, or no longer more. */
async function settled(client: Client, expected: number): Promise<number> {
  for (let last = -1; ; ) {
    await client.indices.refresh({ index: `sluice-flow-${prefix}-*` });
    const ports = { range: { "destination.port": { gte: 1000, lt: 30_000 } } };
    // One that crosses a window's edge has a record in each; it ends once.
    const query = { bool: { filter: [ports, { term: { "sluice.state": "closed" } }] } };
    const { count } = await client.count({ index: `sluice-flow-${prefix}-*`, query });
    if (count >= expected || count === last) return count;
    last = count;
    await systemClock.sleep(3_000);
  }
}

await main();

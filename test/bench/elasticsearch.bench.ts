// What the Elasticsearch sink stores a second, beside a bare HTTP client. Run by hand: node test/bench/elasticsearch.bench.ts [records]
//
// Method. Flows of realistic-flows.ts (80,000 by default), made beforehand, and one Elasticsearch on this machine (that of `npm run
// services -- up`, else one of its own) with our templates, one shard, no copies, refresh 1 s. Bare: the same documents as bulk bodies
// that were built beforehand, 4,000 documents each, posted by node:http over kept connections, and of the answer only the end is waited
// for. Ours: records in batches of 500 as they come from Kafka, through documents, bulk writer and client, each document's answer looked at,
// done when all is acknowledged. Both ask for the same short answer, two requests at work at once. Bare and ours take turns, who begins
// changes, each into indices of its own that are deleted afterwards, after 20,000 documents of warm-up of each. The middle of the
// rounds' ratios counts. CPU time of this process (all threads, garbage collection included) and of Elasticsearch's (/proc/PID/stat).
// Then the writer alone, against nobody: what a core makes of records. Limits: at least 90 % of bare; Node at most a quarter of the CPU time
// of both. Ends with code 1 beyond them.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { systemClock } from "../../core/clock.ts";
import type { Flow } from "../../core/records/flow.ts";
import { developmentFolder, servicesIn } from "../../scripts/services/places.ts";
import { applyTemplates } from "../../sinks/elasticsearch/apply-templates.ts";
import { BulkWriter } from "../../sinks/elasticsearch/bulk/bulk-writer.ts";
import { documentsOf } from "../../sinks/elasticsearch/documents-of.ts";
import { connectElastic, type Elastic, granted } from "../../sinks/elasticsearch/elastic.ts";
import { templatesOf } from "../../sinks/elasticsearch/templates.ts";
import { realisticFlows } from "./realistic-flows.ts";

const total = Number(process.argv[2] ?? 80_000);
const warmUp = 20_000;
const rounds = 5;
const perMessage = 500;
const perRequest = 4_000;
const concurrency = 2;
/** Batches of Kafka that are at work at once, as in bin/bus/elasticsearch-sink.ts. */
const inFlight = 64;
const limits = { share: 0.9, cpu: 0.25 };
/** Of /proc/PID/stat: clock ticks a second (sysconf(3), _SC_CLK_TCK), on Linux always 100. */
const ticks = 100;
const forever = new AbortController().signal;
const filter =
  "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";

interface Round {
  readonly perSecond: number;
  /** Of the CPU time of both. */
  readonly nodeShare: number;
  readonly nodeCpu: number;
}

function batchesOf(count: number): readonly (readonly Flow[])[] {
  const source = realisticFlows({ start: 1_790_000_000_000_000, rate: count / 60, batch: perMessage });
  return Array.from({ length: Math.ceil(count / perMessage) }, () => source.next().value as readonly Flow[]);
}

const placing = (namespace: string) => ({ namespace, bucket: "day" as const });

async function bare(url: string, namespace: string, batches: readonly (readonly Flow[])[], measure: Measure) {
  const documents = documentsOf("flow", placing(namespace));
  const texts = batches.flatMap((batch) => documents(batch).map(({ lines }) => lines));
  const bodies = Array.from({ length: Math.ceil(texts.length / perRequest) }, (_, at) =>
    Buffer.concat(texts.slice(at * perRequest, (at + 1) * perRequest)),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  return measure(texts.length, async () => {
    const left = bodies.values();
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (const body of left) await post(`${url}/_bulk?${filter}`, agent, body);
      }),
    );
    agent.destroy();
  });
}

function post(url: string, agent: Agent, body: Buffer): Promise<void> {
  const headers = { "content-type": "application/x-ndjson", "content-length": body.length };
  return new Promise((resolve, reject) => {
    request(url, { method: "POST", agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer.resume().on("end", resolve).on("error", reject);
    })
      .on("error", reject)
      .end(body);
  });
}

async function ours(elastic: Elastic, namespace: string, batches: readonly (readonly Flow[])[], measure: Measure) {
  const documents = documentsOf("flow", placing(namespace));
  const writer = bulkWriter(elastic);
  return measure(batches.length * perMessage, async () => {
    const writing = new Set<Promise<void>>();
    for (const batch of batches) {
      await writer.room();
      const write: Promise<void> = writer.write(documents(batch).map(({ lines }) => lines)).then((rejections) => {
        writing.delete(write);
        if (rejections.length > 0) throw new Error(rejections[0]?.reason);
      });
      writing.add(write);
      if (writing.size >= inFlight) await Promise.race(writing);
    }
    await writer.stop(); // sends the rest at once, as a pipeline that ends
    await Promise.all(writing);
  });
}

function bulkWriter(elastic: Elastic): BulkWriter {
  return new BulkWriter({
    elastic,
    clock: systemClock,
    limits: { bytes: 16_000_000, documents: perRequest, ageMs: 500, concurrency, graceMs: 60_000 },
    events: { onRequest: () => {}, onDocuments: () => {}, onCircuit: () => {} },
  });
}

type Measure = (documents: number, work: () => Promise<void>) => Promise<Round>;

const measureOf =
  (pid: number): Measure =>
  async (documents, work) => {
    const [begin, node, server] = [systemClock.monotonic(), process.cpuUsage(), cpuOf(pid)];
    await work();
    const elapsed = (systemClock.monotonic() - begin) / 1000;
    const { user, system } = process.cpuUsage(node);
    const [nodeCpu, serverCpu] = [(user + system) / 1e6, cpuOf(pid) - server];
    return { perSecond: documents / elapsed, nodeCpu, nodeShare: nodeCpu / (nodeCpu + serverCpu) };
  };

/** User and system time of a process, seconds. stat => pid "(" name ")" state ... utime(14) stime(15) ... (proc(5)) */
function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

async function removeIndices(elastic: Elastic, namespace: string): Promise<void> {
  const path = `/_cat/indices/sluice-flow-${namespace}-*`;
  const call = { method: "GET", path, query: { format: "json", h: "index" } } as const;
  for (const { index } of granted(await elastic.ask<readonly { index: string }[]>(call), "indices"))
    await elastic.ask({ method: "DELETE", path: `/${index}` });
}

/** The writer against somebody who takes everything: records a core-second. */
async function alone(batches: readonly (readonly Flow[])[]): Promise<number> {
  const taking: Elastic = {
    ask: (() => Promise.resolve({ status: 200, body: { items: answers } })) as Elastic["ask"],
    close: () => Promise.resolve(),
  };
  const { nodeCpu } = await ours(taking, "alone", batches, measureOf(process.pid));
  return (batches.length * perMessage) / nodeCpu;
}

const answers = Array.from({ length: perRequest }, () => ({ create: { status: 201 } }));

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const thousands = (value: number) => Math.round(value).toLocaleString("en");
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

async function main(): Promise<void> {
  const development = servicesIn(developmentFolder);
  const own = servicesIn(`${developmentFolder}-bench-${process.pid}`);
  const isRunning = development.running().some(({ name }) => name === "elasticsearch");
  if (!isRunning) await own.up("elasticsearch");
  const found = (isRunning ? development : own).running().find(({ name }) => name === "elasticsearch");
  if (found === undefined) throw new Error("there is no Elasticsearch");
  const [url, measure] = [found.started.env["ELASTICSEARCH_URL"] as string, measureOf(found.started.pid)];
  const elastic = await connectElastic({ urls: [url] });
  const templates = templatesOf({ shards: 1, replicas: 0, refreshMs: 1000 });
  await applyTemplates(elastic, templates, { force: true, signal: forever });

  const run = async (which: "bare" | "ours", batches: readonly (readonly Flow[])[]): Promise<Round> => {
    const namespace = `bench${process.pid}${which}`;
    const round = await (which === "bare"
      ? bare(url, namespace, batches, measure)
      : ours(elastic, namespace, batches, measure));
    await removeIndices(elastic, namespace);
    return round;
  };
  await run("bare", batchesOf(warmUp));
  await run("ours", batchesOf(warmUp));
  const all: { readonly bare: Round; readonly ours: Round }[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    const batches = batchesOf(total);
    const order = turn % 2 === 0 ? (["bare", "ours"] as const) : (["ours", "bare"] as const);
    const found: Partial<Record<"bare" | "ours", Round>> = {};
    for (const which of order) found[which] = await run(which, batches);
    all.push(found as { readonly bare: Round; readonly ours: Round });
  }
  for (const which of ["bare", "ours"] as const) {
    const each = all.map((round) => round[which]);
    const speed = thousands(middle(each.map(({ perSecond }) => perSecond)));
    console.log(`${which}: ${speed} documents a second; ${each.map((one) => thousands(one.perSecond)).join(", ")}`);
    const share = percent(middle(each.map(({ nodeShare }) => nodeShare)));
    console.log(`  of the CPU time of both, Node's is ${share}`);
  }
  const share = middle(all.map((round) => round.ours.perSecond / round.bare.perSecond));
  const cpu = middle(all.map((round) => round.ours.nodeShare));
  console.log(`ours beside bare: ${percent(share)} (at least ${percent(limits.share)})`);
  console.log(`Node's share of the CPU time: ${percent(cpu)} (at most ${percent(limits.cpu)})`);
  if (share < limits.share || cpu > limits.cpu) process.exitCode = 1;
  console.log(`the writer alone: ${thousands(await alone(batchesOf(200_000)))} records a core-second`);
  const text = documentsOf("flow", placing("size"))((batchesOf(perMessage)[0] ?? []) as readonly Flow[]);
  const bytes = text.reduce((sum, { lines }) => sum + lines.length, 0) / text.length;
  console.log(`a document is ${Math.round(bytes)} bytes, both lines`);
  await elastic.close();
  await own.remove();
}

await main();

// What questions to Elasticsearch cost. npm run bench -- elasticsearch-read [documents]
//
// Method. Records of realistic-flows.ts (stated there), 280 a second of record time: a quarter of the documents, written by bulk before the clock starts, and three
// copies of that index (`_clone`), which stand for other clusters: a million documents in four indices of one hour, a shard each. What an earlier
// run left is asked as it is. One server on this machine (that of `npm run services -- up`, heap 512 MB, first compiler only), which shares the two cores. Each
// question once to warm up and then 20 times with other namespaces, addresses and times, one at a time: which indices there are, point in time, lookups and
// all pages included. CPU is what this process and the server took for one answer (all threads; what the server does beside is in it), and does not
// tell how busy the machine is; elapsed time does. Ends with code 1 where the CPU of a search is beyond the limit.
import { parseCidr } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import { allOf, test } from "../../core/filter/build.ts";
import type { FieldName } from "../../core/filter/fields.ts";
import type { Filter, Value } from "../../core/filter/filter.ts";
import type { FlowQuery } from "../../core/flow-store.ts";
import type { Flow } from "../../core/records/flow.ts";
import { developmentFolder, servicesIn } from "../../scripts/services/places.ts";
import { applyTemplates } from "../../sinks/elasticsearch/apply-templates.ts";
import { dataSets } from "../../sinks/elasticsearch/documents/data-sets.ts";
import { connectElastic, type Elastic, granted } from "../../sinks/elasticsearch/elastic.ts";
import { ElasticFlowStore } from "../../sinks/elasticsearch/flow-reader.ts";
import { indexNames, patternOf } from "../../sinks/elasticsearch/index-name.ts";
import { templatesOf } from "../../sinks/elasticsearch/templates.ts";
import { realisticFlows } from "./realistic-flows.ts";

const copies = 4;
const part = Math.ceil(Number(process.argv[2] ?? 1_000_000) / copies);
const start = 1_700_002_800_000_000; // a full hour
const rate = 1_000_000 / 3_600;
const minuteUs = 60_000_000;
const minutes = Math.floor(part / rate / 60);
const perBulk = 2_500;
const namespaceOf = (copy: number) => `bench${copy + 1}`;
const nameOf = (copy: number) => indexNames("flow", namespaceOf(copy), "hour");
const never = new AbortController().signal;
const limitMs = 300;

async function main(url: string): Promise<boolean> {
  const elastic = await connectElastic({ urls: [url] });
  const there = await documents(elastic, 0);
  if (there < part) await write(elastic, there);
  for (let copy = 1; copy < copies; copy++) if ((await documents(elastic, copy)) === 0) await clone(elastic, copy);
  console.log(`${((await documents(elastic, 0)) * copies).toLocaleString("en")} documents`);
  const isWithin = await ask(elastic, new ElasticFlowStore({ elastic }));
  await elastic.close();
  return isWithin;
}

async function documents(elastic: Elastic, copy: number): Promise<number> {
  const path = `/${patternOf("flow", namespaceOf(copy))}/_count`;
  const { body } = await elastic.ask<{ readonly count?: number }>({ method: "GET", path });
  return body.count ?? 0;
}

async function clone(elastic: Elastic, copy: number): Promise<void> {
  const from = nameOf(0)(start);
  const body = { "index.blocks.write": true };
  granted(await elastic.ask({ method: "PUT", path: `/${from}/_settings`, body }), "block");
  granted(await elastic.ask({ method: "POST", path: `/${from}/_clone/${nameOf(copy)(start)}` }), "clone");
}

/** Goes on where an earlier run was stopped; what was under way then may have been stored or not, and is written again. */
async function write(elastic: Elastic, there: number): Promise<void> {
  await applyTemplates(elastic, templatesOf({ shards: 1, replicas: 0, refreshMs: 30_000 }), {
    force: true,
    signal: never,
  });
  const { writer, idOf } = dataSets.flow;
  const [text, indexOf] = [writer(), nameOf(0)];
  const source = realisticFlows({ start, rate, batch: perBulk });
  const under = new Set<Promise<void>>();
  for (let sent = 0; sent < part; sent += perBulk) {
    const batch = source.next().value as readonly Flow[];
    if (sent < there - 4 * perBulk) continue;
    const lines = batch.map((flow) => {
      const create = { _index: indexOf(flow.start), _id: idOf(flow) };
      return `${JSON.stringify({ create })}\n${text(flow)}\n`;
    });
    const call = { method: "POST", path: "/_bulk", query: { filter_path: "errors" }, lines: lines.join("") } as const;
    const done: Promise<void> = elastic.ask(call).then((answer) => {
      granted(answer, "bulk");
      under.delete(done);
    });
    under.add(done);
    if (under.size >= 2) await Promise.race(under);
  }
  await Promise.all(under);
  await elastic.ask({ method: "POST", path: `/${patternOf("flow", namespaceOf(0))}/_refresh` });
}

const is = (field: FieldName, ...values: readonly Value[]): Filter => test(field, "=", values);
const whole: FlowQuery = { since: start, until: start + 60 * minuteUs, filter: null, allReports: false };
/** A minute, another with each turn. */
const minute = (turn: number): FlowQuery => {
  const since = start + (1 + (turn % (minutes - 1))) * minuteUs;
  return { ...whole, since, until: since + minuteUs };
};

async function ask(elastic: Elastic, store: ElasticFlowStore): Promise<boolean> {
  const timed = (what: string, question: (turn: number) => Promise<number>, turns = 20) =>
    timedBy(elastic, what, question, turns);
  const sample = (await store.search({ ...whole, order: "oldest", limit: 5_000 }, never)).items.filter(
    (_, at) => at % 200 === 0,
  );
  const of = (turn: number) => sample[turn % sample.length] as Flow;
  const found = async (query: FlowQuery, limit: number, order: "newest" | "oldest" = "newest") =>
    (await store.search({ ...query, order, limit }, never)).items.length;
  const searches = [
    await timed("newest 20 denials of all", () => found({ ...whole, filter: is("verdict", "deny") }, 20)),
    await timed("newest 100 denials of a namespace", (turn) =>
      found({ ...whole, filter: allOf([is("verdict", "deny"), is("ns", `team-${turn * 2}`)]) }, 100),
    ),
    await timed("one connection by both addresses, within two minutes", (turn) => {
      const { start: at, sourceAddress, destinationAddress } = of(turn);
      const filter = allOf([is("src.ip", parseCidr(sourceAddress)), is("dst.ip", parseCidr(destinationAddress))]);
      const close = { since: at - minuteUs, until: at + minuteUs };
      return found({ ...whole, ...close, filter, allReports: true }, 100, "oldest");
    }),
    await timed("newest 100 to a network, by prefix", (turn) =>
      found({ ...whole, filter: is("dst.ip", parseCidr(`10.${turn}.4.0/22`)) }, 100),
    ),
    await timed("newest 100 by a pattern on pods", (turn) =>
      found({ ...whole, filter: test("pod", "~", [`app-${turn}?-*f*`]) }, 100),
    ),
    await timed("newest 100 by a pattern on labels, looked up before", (turn) =>
      found({ ...whole, filter: test("labels", "~", [`a*-${turn}?`], "app.kubernetes.io/name") }, 100),
    ),
    await timed("newest 1,000 of a minute", (turn) => found(minute(turn), 1_000)),
  ];
  await timed("five pages of 1,000", async () => {
    let cursor: string | undefined;
    for (let page = 0; page < 5; page++) {
      const asked = { ...whole, order: "newest", limit: 1_000, ...(cursor && { cursor }) } as const;
      cursor = (await store.search(asked, never)).cursor;
    }
    return 5_000;
  });
  const tops = { limit: 20 };
  await timed("pairs of a namespace in a minute", async (turn) => {
    const query = { ...minute(turn), filter: is("ns", `team-${turn * 2}`), limit: 100 };
    return (await store.pairs(query, never)).length;
  });
  await timed(
    "pairs of a minute",
    async (turn) => (await store.pairs({ ...minute(turn), limit: 100 }, never)).length,
    5,
  );
  await timed("pairs of all", async () => (await store.pairs({ ...whole, limit: 100 }, never)).length, 3);
  await timed(
    "top policy of denials",
    async () => (await store.top({ ...whole, ...tops, filter: is("verdict", "deny"), field: "policy" }, never)).length,
    5,
  );
  await timed(
    "top dst.port of all",
    async () => (await store.top({ ...whole, ...tops, field: "dst.port" }, never)).length,
    3,
  );
  await timed("top ns of all", async () => (await store.top({ ...whole, ...tops, field: "ns" }, never)).length, 3);
  await timed(
    "top src.labels.team of a minute",
    async (turn) => (await store.top({ ...minute(turn), ...tops, field: "src.labels.team" }, never)).length,
    5,
  );
  await store.close();
  return searches.every((cpu) => cpu <= limitMs);
}

/** Prints, and resolves with the CPU time of one answer in milliseconds. */
async function timedBy(
  elastic: Elastic,
  what: string,
  question: (turn: number) => Promise<number>,
  turns: number,
): Promise<number> {
  await question(turns);
  const times: number[] = [];
  let rows = 0;
  const [own, server] = [process.cpuUsage(), await serverCpu(elastic)];
  for (let turn = 0; turn < turns; turn++) {
    const before = systemClock.monotonic();
    rows += await question(turn);
    times.push(systemClock.monotonic() - before);
  }
  const { user, system } = process.cpuUsage(own);
  const cpu = { own: (user + system) / 1000 / turns, server: ((await serverCpu(elastic)) - server) / turns };
  times.sort((a, b) => a - b);
  const [middle, p95] = [times[turns >> 1] as number, times[Math.ceil(turns * 0.95) - 1] as number];
  const spent = `CPU ${cpu.own.toFixed(0)} ms here and ${cpu.server.toFixed(0)} ms there`;
  const elapsed = `elapsed median ${middle.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`;
  console.log(`${what.padEnd(54)} ${spent}; ${elapsed}; ${Math.round(rows / turns)} rows`);
  return cpu.own + cpu.server;
}

/** Milliseconds since it started. */
async function serverCpu(elastic: Elastic): Promise<number> {
  const path = "/_nodes/stats/process";
  const call = { method: "GET", path, query: { filter_path: "nodes.*.process.cpu.total_in_millis" } } as const;
  const { nodes } = granted(await elastic.ask<{ readonly nodes: Readonly<Record<string, NodeStats>> }>(call), path);
  return Object.values(nodes).reduce((sum, { process: { cpu } }) => sum + cpu.total_in_millis, 0);
}

interface NodeStats {
  readonly process: { readonly cpu: { readonly total_in_millis: number } };
}

const given = process.env["ELASTICSEARCH_URL"];
const services = servicesIn(developmentFolder);
const running = services.running().find(({ name }) => name === "elasticsearch")?.started.env["ELASTICSEARCH_URL"];
const url = given ?? running ?? (await services.up("elasticsearch"))["ELASTICSEARCH_URL"];
process.exitCode = (await main(url as string)) ? 0 : 1;

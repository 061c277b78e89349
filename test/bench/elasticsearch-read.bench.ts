// What questions to Elasticsearch cost. npm run bench -- elasticsearch-read [documents]
//
// Method. Records of realistic-flows.ts (stated there), 280 a second of record time, so a million an hour, in the hourly indices of a namespace of their
// own (one shard each), written by bulk before the clock starts; indices that an earlier run left with as many documents are asked as they are. One server on this
// machine (that of `npm run services -- up`, heap 512 MB), which shares the two cores. Each question once to warm up and then 20 times with other namespaces,
// addresses and times, one at a time, by a reader that is opened once: which indices there are, point in time, lookups and all pages included. Time as
// who asks sees it; CPU is that of this process for one answer. Ends with code 1 beyond the limit of a search.
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

const total = Number(process.argv[2] ?? 1_000_000);
const start = 1_700_002_800_000_000; // a full hour
const rate = 1_000_000 / 3_600;
const span = { since: start, until: start + (total / rate) * 1e6 + 60e6 };
const minuteUs = 60_000_000;
const perBulk = 2_500;
const namespace = `bench${total}`;
const never = new AbortController().signal;
const limitMs = 300;

async function main(url: string): Promise<boolean> {
  const elastic = await connectElastic({ urls: [url] });
  const before = systemClock.monotonic();
  const isNew = (await documents(elastic)) !== total;
  if (isNew) await write(elastic);
  const seconds = (systemClock.monotonic() - before) / 1000;
  console.log(
    `${total.toLocaleString("en")} documents${isNew ? ` written in ${seconds.toFixed(0)} s` : ", as they were left"}`,
  );
  const isWithin = await ask(new ElasticFlowStore({ elastic, namespace }));
  await elastic.close();
  return isWithin;
}

async function documents(elastic: Elastic): Promise<number> {
  const path = `/${patternOf("flow", namespace)}/_count`;
  const { body } = await elastic.ask<{ readonly count?: number }>({ method: "GET", path });
  return body.count ?? 0;
}

async function write(elastic: Elastic): Promise<void> {
  await applyTemplates(elastic, templatesOf({ shards: 1, replicas: 0, refreshMs: 30_000 }), {
    force: true,
    signal: never,
  });
  const { writer, idOf } = dataSets.flow;
  const [text, nameOf] = [writer(), indexNames("flow", namespace, "hour")];
  const source = realisticFlows({ start, rate, batch: perBulk });
  const under = new Set<Promise<void>>();
  for (let sent = 0; sent < total; sent += perBulk) {
    const batch = source.next().value as readonly Flow[];
    const lines = batch.map((flow) => {
      const create = { _index: nameOf(flow.start), _id: idOf(flow) };
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
  await elastic.ask({ method: "POST", path: `/${patternOf("flow", namespace)}/_refresh` });
}

const is = (field: FieldName, ...values: readonly Value[]): Filter => test(field, "=", values);
const whole: FlowQuery = { ...span, filter: null, allReports: false };
const minutes = total / rate / 60;
/** Ten minutes of the hour, another with each turn. */
const some = (turn: number): FlowQuery => {
  const since = start + Math.floor((turn * minutes) / 25) * minuteUs;
  return { ...whole, since, until: since + 10 * minuteUs };
};

async function ask(store: ElasticFlowStore): Promise<boolean> {
  const sample = (await store.search({ ...whole, order: "oldest", limit: 5_000 }, never)).items.filter(
    (_, at) => at % 200 === 0,
  );
  const of = (turn: number) => sample[turn % sample.length] as Flow;
  const found = async (query: FlowQuery, limit: number, order: "newest" | "oldest" = "newest") =>
    (await store.search({ ...query, order, limit }, never)).items.length;
  const p95s = [
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
    await timed("newest 1,000 of ten minutes", (turn) => found(some(turn), 1_000)),
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
  await timed("pairs of a namespace in ten minutes", async (turn) => {
    const query = { ...some(turn), filter: is("ns", `team-${turn * 2}`), limit: 100 };
    return (await store.pairs(query, never)).length;
  });
  await timed(
    "pairs of ten minutes",
    async (turn) => (await store.pairs({ ...some(turn), limit: 100 }, never)).length,
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
    "top src.labels.team of ten minutes",
    async (turn) => (await store.top({ ...some(turn), ...tops, field: "src.labels.team" }, never)).length,
    5,
  );
  await store.close();
  return p95s.every((p95) => p95 <= limitMs);
}

/** Prints, and resolves with the 95th percentile in milliseconds. */
async function timed(what: string, question: (turn: number) => Promise<number>, turns = 20): Promise<number> {
  await question(turns);
  const times: number[] = [];
  let rows = 0;
  const cpu = process.cpuUsage();
  for (let turn = 0; turn < turns; turn++) {
    const before = systemClock.monotonic();
    rows += await question(turn);
    times.push(systemClock.monotonic() - before);
  }
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const [middle, p95] = [times[turns >> 1] as number, times[Math.ceil(turns * 0.95) - 1] as number];
  const own = (user + system) / 1000 / turns;
  const took = `median ${middle.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, own CPU ${own.toFixed(0)} ms`;
  console.log(`${what.padEnd(56)} ${took}, ${Math.round(rows / turns)} rows an answer`);
  return p95;
}

const given = process.env["ELASTICSEARCH_URL"];
const services = servicesIn(developmentFolder);
const running = services.running().find(({ name }) => name === "elasticsearch")?.started.env["ELASTICSEARCH_URL"];
const url = given ?? running ?? (await services.up("elasticsearch"))["ELASTICSEARCH_URL"];
process.exitCode = (await main(url as string)) ? 0 : 1;

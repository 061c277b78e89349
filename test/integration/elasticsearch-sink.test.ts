import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Bus } from "../../core/bus.ts";
import { kafkaBus } from "../../core/bus-kafka/kafka-bus.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { type OfNode, publishing } from "../../core/record-topic.ts";
import { batchCodec } from "../../core/records/batch.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Flow } from "../../core/records/flow.ts";
import { dataSets } from "../../sinks/elasticsearch/documents/data-sets.ts";
import { connectElastic, type Elastic } from "../../sinks/elasticsearch/elastic.ts";
import { realisticFlows } from "../bench/realistic-flows.ts";
import { flow, pod } from "../support/flows.ts";
import { needsServices } from "../support/needs-services.ts";
import { until } from "../support/until.ts";

const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
const forever = new AbortController().signal;
const start = 1_790_000_000_000_000;

interface Hits {
  readonly hits?: { readonly hits: readonly { readonly _source: Record<string, unknown> }[] };
}

describe("sluice sink elasticsearch", function () {
  this.timeout(180_000); // processes and two services, on a machine that may be busy
  const address = needsServices("kafka", "elasticsearch");
  const [prefix, namespace] = [`t${randomUUID().slice(0, 8)}`, `t${randomUUID().slice(0, 8)}`];
  const running: ChildProcess[] = [];
  let [bus, elastic]: [Bus | undefined, Elastic | undefined] = [undefined, undefined];

  const settings = () => [
    ...["--bus.brokers", address("kafka"), "--bus.prefix", prefix, "--bus.replicas", "1", "--bus.partitions", "3"],
    ...["--elasticsearch.urls", address("elasticsearch"), "--elasticsearch.namespace", namespace],
  ];
  const sinkSettings = ["--elasticsearch.replicas", "0", "--elasticsearch.batch-ms", "50"];
  const env = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_")));

  async function start_(metrics = "off"): Promise<ChildProcess> {
    const words = [program, "sink", "elasticsearch", ...settings(), ...sinkSettings, "--metrics.listen", metrics];
    const child = spawn(process.execPath, words, { env: env(), stdio: ["ignore", "inherit", "pipe"] });
    running.push(child);
    let printed = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    await until(
      "the sink to be ready",
      () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${printed}`);
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

  const sinkOf = <T extends OfNode>(kind: "flows" | "changes", codec: ReturnType<typeof batchCodec<T>>) =>
    publishing<T>(bus as Bus, { name: `${prefix}.${kind}`, codec });

  async function found(set: string): Promise<readonly Record<string, unknown>[]> {
    const path = `/sluice-${set}-${namespace}-*`;
    await elastic?.ask({ method: "POST", path: `${path}/_refresh` });
    const answer = await elastic?.ask<Hits>({ method: "POST", path: `${path}/_search`, body: { size: 10_000 } });
    return (answer?.body.hits?.hits ?? []).map(({ _source }) => _source);
  }

  before(async () => {
    const connection = { brokers: [address("kafka")], clientId: "test" };
    bus = kafkaBus({ connection, clock: systemClock, log: silentLog });
    elastic = await connectElastic({ urls: [address("elasticsearch")] });
  });
  after(async () => {
    for (const child of running) child.kill("SIGKILL");
    const answer = await elastic?.ask<readonly { index: string }[]>({
      method: "GET",
      path: `/_cat/indices/sluice-*-${namespace}-*`,
      query: { format: "json", h: "index" },
    });
    for (const { index } of answer?.body ?? []) await elastic?.ask({ method: "DELETE", path: `/${index}` });
    await elastic?.close();
    await bus?.close();
  });

  it("stores what stands in Kafka once, though it is killed meanwhile, and keeps what is at fault as a dead letter", async () => {
    const first = await start_();
    const all: Flow[] = [];
    const source = realisticFlows({ start, rate: 300, batch: 500 });
    const flows = sinkOf("flows", batchCodec<Flow>("flow"));
    const bad = flow({ seq: 1, start, source: pod("shop/web-1", { "no\0label": "x" }) });
    for (let turn = 0; turn < 8; turn++) {
      const batch = source.next().value as readonly Flow[];
      all.push(...batch);
      await flows.write(turn === 2 ? [...batch, bad] : batch, forever);
      if (turn === 3) first.kill("SIGKILL");
    }
    const second = await start_("127.0.0.1:0");
    await until("all flows to be there", async () => (await found("flow")).length >= all.length, 90_000);
    const records = (await found("flow")).map((one) => dataSets.flow.read(one));
    const idOf = ({ node, epoch, seq }: Flow) => `${node} ${epoch} ${seq}`;
    const byId = (a: Flow, b: Flow) => (idOf(a) < idOf(b) ? -1 : 1);
    assert.deepEqual(records.toSorted(byId), all.toSorted(byId));
    const dead = (bus as Bus).subscription(`${prefix}.dead`, "test").open(forever)[Symbol.asyncIterator]();
    const letter = (await dead.next()).value?.items[0];
    assert.deepEqual(batchCodec<Flow>("flow").decode(letter?.value ?? Buffer.alloc(0)), [bad]);
    assert.match(letter?.headers?.["cause"] ?? "", /^400 document_parsing_exception/);
    assert.match(letter?.headers?.["origin"] ?? "", new RegExp(`^${prefix}.flows/`));
    await dead.return?.();
    await stop(second);
  });

  it("deletes indices whose time is over, and stores the record of it", async () => {
    const words = (...rest: readonly string[]) =>
      execFileSync(process.execPath, [program, "elasticsearch", ...rest, ...settings()], {
        env: env(),
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
    const old = flow({ seq: 9, start: 1_600_000_000_000_000 });
    const sink = await start_();
    await sinkOf("flows", batchCodec<Flow>("flow")).write([old], forever);
    const name = `sluice-flow-${namespace}-2020.09.13`;

    await until(
      "the old one",
      async () => (await elastic?.ask({ method: "HEAD", path: `/${name}` }))?.status === 200,
      60_000,
    );
    assert.match(words("expire", "--dry-run"), new RegExp(name));
    assert.match(words("expire"), new RegExp(name));
    assert.doesNotMatch(words("expire", "--dry-run"), new RegExp(name));
    const records = async () => (await found("change")).map((one) => dataSets.change.read(one));
    const isOfIt = ({ kind, object }: ChangeRecord) => kind === "retention" && object === `index ${name}`;
    await until("the record", async () => (await records()).some(isOfIt), 60_000);
    await stop(sink);
  });

  it("says what is wrong with settings", () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["--bus.brokers", "k:1"], /elasticsearch.urls is empty/],
      [["--bus.brokers", "k:1", "--elasticsearch.urls", "http://a:b@h:9200"], /without user and password/],
      [["--elasticsearch.username", "u"], /elasticsearch\.passwordFile/],
      [["--elasticsearch.namespace", "A-b"], /elasticsearch\.namespace/],
    ];
    for (const [words, expected] of cases)
      assert.throws(
        () =>
          execFileSync(process.execPath, [program, "sink", "elasticsearch", ...words], { env: env(), stdio: "pipe" }),
        ({ stderr }: { readonly stderr: Buffer }) => expected.test(stderr.toString()),
        expected.source,
      );
  });
});

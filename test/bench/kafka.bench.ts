// What a hop over Kafka costs a process of ours. Run by hand: node test/bench/kafka.bench.ts [records]
//
// Method. 12,000 records of realistic-flows.ts as collectors make them (RawFlowBatch) and as enrichers do (FlowBatch), made beforehand, 25
// times over (300,000 by default), 2,000 a write; none comes again within a request. A write of raw flows is of one node, as a collector's is
// (it hands out up to 4,000 at a time); one of enriched flows is of a few. More records at a time would change what is measured: V8 collects
// all of its heap once for about 16,000 records produced, and with 36,000 records held (32 MB of heap in place of 20) each cost 1.2 µs more. A
// collector holds 22 MB. So raw records are measured before enriched ones are made. One broker on this machine (that of `npm run services --
// up`, else one of its own), a topic of 6 partitions. Produced: what a collector does with what its spool hands out: encoded and written with
// `publishing` and our publisher (zstd), acknowledged, four writes at once. Consumed: what an enricher does: `subscribing` and a member of a
// group, decoded, acked. CPU time of this process (user and system, all threads, compression and garbage collection included); the broker's own
// is not in it, and shares the two cores. The limit is that of raw flows there and back; the middle of five rounds after one that is not
// counted. Beside it the codec alone, and the size on the wire. Ends with code 1 below the limit.
import { randomUUID } from "node:crypto";
import { kafkaBus } from "../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../core/bus-kafka/topics.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { type OfNode, publishing, type RecordTopic, subscribing } from "../../core/record-topic.ts";
import { batches as batchesOf, batchSchema, rawFlowBatchSchema } from "../../core/records/batch.ts";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import type { Framed, MessageCodec } from "../../core/records/framed-batches.ts";
import { developmentFolder, servicesIn } from "../../scripts/services/places.ts";
import { realisticFlows } from "./realistic-flows.ts";

const total = Number(process.argv[2] ?? 300_000);
const distinct = 12_000;
const perWrite = 2_000;
const rounds = 5;
const limit = 150_000;
const forever = new AbortController().signal;

type Batches<T> = readonly (readonly T[])[];

function enrichedFlows(): Batches<Flow> {
  const batches: (readonly Flow[])[] = [];
  const source = realisticFlows({ start: 1_790_000_000_000_000, rate: distinct / 15, batch: perWrite });
  for (const batch of source) {
    batches.push(batch);
    if (batches.length * perWrite >= distinct) break;
  }
  return Array.from({ length: Math.ceil(total / distinct) }, () => batches).flat();
}

const rawCodec = () => batchesOf<RawFlow>(rawFlowBatchSchema(), "bench");

/** As a spool hands them out: objects of one shape, without what enrichers add, those of one write all of one node. */
function rawFlows(batches: Batches<Flow>): Batches<RawFlow> {
  const codec = rawCodec();
  const ofNode = (batch: readonly Flow[], node: string) => batch.map((flow) => ({ ...flow, node }));
  const known = new Map(
    [...new Set(batches)].map((batch, place) => [
      batch,
      codec.decode(codec.encode(ofNode(batch, `node-${place}`)) as Framed) as readonly RawFlow[],
    ]),
  );
  return batches.map((batch) => known.get(batch) as readonly RawFlow[]);
}

const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

interface Round {
  readonly produced: number;
  readonly consumed: number;
  readonly elapsed: number;
}

const dead = {
  put: (_: unknown, cause: string) => Promise.reject(new Error(`a message cannot be read: ${cause}`)),
};

async function round<T extends OfNode>(
  brokers: readonly string[],
  codec: MessageCodec<T>,
  batches: Batches<T>,
): Promise<Round> {
  const connection = { brokers, clientId: "bench" };
  const topic: RecordTopic<T> = { name: `bench-${randomUUID()}`, codec };
  await ensureTopics(connection, [{ name: topic.name, partitions: 6, replicas: 1, settings: {} }], silentLog);
  const bus = kafkaBus({ connection, clock: systemClock, log: silentLog });
  const begin = systemClock.monotonic();
  const producing = process.cpuUsage();
  const sink = publishing(bus, topic);
  const writing = new Set<Promise<void>>();
  for (const batch of batches) {
    const write: Promise<void> = sink.write(batch, forever).then(() => void writing.delete(write));
    writing.add(write);
    if (writing.size >= 4) await Promise.race(writing);
  }
  await Promise.all(writing);
  const produced = seconds(process.cpuUsage(producing));
  const consuming = process.cpuUsage();
  let seen = 0;
  for await (const delivery of subscribing(bus, topic, "bench", dead).open(forever)) {
    seen += delivery.items.length;
    await delivery.ack();
    if (seen >= batches.length * perWrite) break;
  }
  const consumed = seconds(process.cpuUsage(consuming));
  const elapsed = (systemClock.monotonic() - begin) / 1000;
  await bus.close();
  return { produced, consumed, elapsed };
}

function codecAlone<T>(codec: MessageCodec<T>, batches: Batches<T>): string {
  const begin = process.cpuUsage();
  const encoded = batches.map((batch) => codec.encode(batch) as Framed);
  const encoding = process.cpuUsage();
  for (const message of encoded) void codec.decode(message);
  const [both, read] = [seconds(process.cpuUsage(begin)), seconds(process.cpuUsage(encoding))];
  const bytes = encoded.reduce((sum, { value }) => sum + value.length, 0);
  return `${thousands(total / (both - read))} and ${thousands(total / read)} a core-second, ${Math.round(bytes / total)} bytes a record`;
}

const thousands = (value: number) => Math.round(value).toLocaleString("en");

/** Records there and back, by core-second. */
async function measure<T extends OfNode>(
  what: string,
  brokers: readonly string[],
  codec: MessageCodec<T>,
  batches: Batches<T>,
): Promise<number> {
  codecAlone(codec, batches);
  console.log(`${what}: encoding and decoding alone ${codecAlone(codec, batches)}`);
  await round(brokers, codec, batches);
  const all: Round[] = [];
  for (let turn = 0; turn < rounds; turn++) all.push(await round(brokers, codec, batches));
  const hop = middle(all.map(({ produced, consumed }) => total / (produced + consumed)));
  console.log(`  produced ${thousands(middle(all.map(({ produced }) => total / produced)))} a core-second`);
  console.log(`  consumed ${thousands(middle(all.map(({ consumed }) => total / consumed)))} a core-second`);
  console.log(`  there and back ${thousands(hop)}`);
  console.log(`  elapsed ${all.map(({ elapsed }) => elapsed.toFixed(1)).join(", ")} s a round`);
  return hop;
}

async function main(): Promise<void> {
  const development = servicesIn(developmentFolder);
  const own = servicesIn(`${developmentFolder}-bench-${process.pid}`);
  const running = development.running().find(({ name }) => name === "kafka")?.started.env;
  const env = running ?? (await own.up("kafka"));
  const brokers = [env["KAFKA_BROKERS"] as string];
  const raw = await measure("raw flows", brokers, rawCodec(), rawFlows(enrichedFlows()));
  console.log(`  the limit is ${thousands(limit)}`);
  await measure("enriched flows", brokers, batchesOf<Flow>(batchSchema("flow"), "bench"), enrichedFlows());
  await own.remove();
  if (raw < limit) process.exitCode = 1;
}

await main();

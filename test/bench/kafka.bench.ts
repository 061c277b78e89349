// What a hop over Kafka costs a process of ours. Run by hand: node test/bench/kafka.bench.ts [records]
//
// Method. Records of realistic-flows.ts as enrichers make them and as collectors do (what enrichers add is there and empty), 300,000 by default, made
// beforehand, 500 a message, 20 nodes as keys. One broker on this machine (that of `npm run services -- up`, else one of its own), a topic of
// 6 partitions. Produced: encoded (Avro) and written by our publisher with zstd, acknowledged, four writes at once. Consumed: fetched by a
// member of a group, decoded, acked. CPU time of this process (user and system, all threads, compression and garbage collection
// included); the broker's own is not in it, and shares the two cores. The limit is that of raw flows there and back; the middle of three rounds.
// Beside it the codec alone, and the size on the wire. Ends with code 1 below the limit.
import { randomUUID } from "node:crypto";
import { kafkaBus } from "../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../core/bus-kafka/topics.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { batchCodec } from "../../core/records/batch.ts";
import { type Flow, type RawFlow, unenriched } from "../../core/records/flow.ts";
import { developmentFolder, servicesIn } from "../../scripts/services/places.ts";
import { realisticFlows } from "./realistic-flows.ts";

const total = Number(process.argv[2] ?? 300_000);
const perMessage = 500;
const rounds = 3;
const limit = 150_000;
const forever = new AbortController().signal;

function recordsOf(raw: boolean): readonly (readonly Flow[])[] {
  const batches: (readonly Flow[])[] = [];
  const source = realisticFlows({ start: 1_790_000_000_000_000, rate: total / 15, batch: perMessage });
  for (const batch of source) {
    batches.push(raw ? batch.map((flow) => ({ ...(flow as RawFlow), ...unenriched })) : batch);
    if (batches.length * perMessage >= total) return batches;
  }
  throw new Error("the source ended");
}

const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

interface Round {
  readonly produced: number;
  readonly consumed: number;
  readonly elapsed: number;
}

async function round(brokers: readonly string[], batches: readonly (readonly Flow[])[]): Promise<Round> {
  const connection = { brokers, clientId: "bench" };
  const topic = `bench-${randomUUID()}`;
  await ensureTopics(connection, [{ name: topic, partitions: 6, replicas: 1, settings: {} }], silentLog);
  const bus = kafkaBus({ connection, clock: systemClock, log: silentLog });
  const codec = batchCodec<Flow>("flow");
  const begin = systemClock.monotonic();
  const producing = process.cpuUsage();
  const publisher = bus.publisher(topic);
  const writing = new Set<Promise<void>>();
  for (let at = 0; at < batches.length; at += 4) {
    const messages = batches.slice(at, at + 4).map((batch) => ({
      key: (batch[0] as Flow).node,
      value: codec.encode(batch),
    }));
    const write: Promise<void> = publisher.write(messages, forever).then(() => void writing.delete(write));
    writing.add(write);
    if (writing.size >= 4) await Promise.race(writing);
  }
  await Promise.all(writing);
  const produced = seconds(process.cpuUsage(producing));
  const consuming = process.cpuUsage();
  let seen = 0;
  for await (const delivery of bus.subscription(topic, "bench").open(forever)) {
    for (const { value } of delivery.items) seen += codec.decode(value).length;
    await delivery.ack();
    if (seen >= batches.length * perMessage) break;
  }
  const consumed = seconds(process.cpuUsage(consuming));
  const elapsed = (systemClock.monotonic() - begin) / 1000;
  await bus.close();
  return { produced, consumed, elapsed };
}

function codecAlone(batches: readonly (readonly Flow[])[]): string {
  const codec = batchCodec<Flow>("flow");
  const begin = process.cpuUsage();
  const encoded = batches.map((batch) => codec.encode(batch));
  const encoding = process.cpuUsage();
  for (const bytes of encoded) codec.decode(bytes);
  const [write, both] = [seconds(process.cpuUsage(begin)), seconds(process.cpuUsage(encoding))];
  const bytes = encoded.reduce((sum, { length }) => sum + length, 0);
  return `${thousands(total / (write - both))} and ${thousands(total / both)} a core-second, ${Math.round(bytes / total)} bytes a record`;
}

const thousands = (value: number) => Math.round(value).toLocaleString("en");

async function main(): Promise<void> {
  const development = servicesIn(developmentFolder);
  const own = servicesIn(`${developmentFolder}-bench-${process.pid}`);
  const running = development.running().find(({ name }) => name === "kafka")?.started.env;
  const env = running ?? (await own.up("kafka"));
  const brokers = [env["KAFKA_BROKERS"] as string];
  for (const raw of [true, false]) {
    const batches = recordsOf(raw);
    const what = raw ? "raw flows" : "enriched flows";
    console.log(`${what}: encoding and decoding alone ${codecAlone(batches)}`);
    const all: Round[] = [];
    for (let turn = 0; turn < rounds; turn++) all.push(await round(brokers, batches));
    const hop = middle(all.map(({ produced, consumed }) => total / (produced + consumed)));
    console.log(`  produced ${thousands(middle(all.map(({ produced }) => total / produced)))} a core-second`);
    console.log(`  consumed ${thousands(middle(all.map(({ consumed }) => total / consumed)))} a core-second`);
    console.log(`  there and back ${thousands(hop)}${raw ? ` (at least ${thousands(limit)})` : ""}`);
    console.log(`  elapsed ${all.map(({ elapsed }) => elapsed.toFixed(1)).join(", ")} s a round`);
    if (raw && hop < limit) process.exitCode = 1;
  }
  await own.remove();
}

await main();

// What it costs to say who talked to whom and why. Run by hand: node test/bench/enrich.bench.ts
//
// Method. The cluster of large-cluster.ts with 20,000 pods, 500 policies in three tiers and Calico's and Kubernetes' kinds, 4,000 Services; raw flows of
// raw-flows.ts, made and encoded beforehand, 500 of one node a message as collectors send them. Timed for each message: decoded (Avro), enriched (who,
// Service, decision and the way to it, by the evaluator beside the kernel's word; a sample of 1 in 100 compared, as by default),
// encoded (Avro, all labels within). The middle of five rounds of 200,000 records after one of warm-up, other records in each, in CPU time of
// this process (all threads, garbage collection included). Beside it the three parts by themselves. Ends with code 1 below the limit.
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { batchCodec, rawFlowBatchCodec } from "../../core/records/batch.ts";
import type { Flow } from "../../core/records/flow.ts";
import { Agreement } from "../../enrichers/agreement.ts";
import { Enricher } from "../../enrichers/enrich.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { World } from "../../policy/world.ts";
import { clusterObjects } from "./large-cluster.ts";
import { rawFlows, serviceObjects } from "./raw-flows.ts";

const limit = 100_000;
const perRound = 200_000;
const perMessage = 500;
const rounds = 5;
const size = { namespaces: 200, pods: 20_000, policies: 500 };

const [raw, enriched] = [rawFlowBatchCodec(), batchCodec<Flow>("flow")];
const upsert = (object: KubeObject) => ({ type: "upsert", object }) as const;
const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const thousands = (value: number) => Math.round(value).toLocaleString("en");

function enricherOf(world: World, changes: readonly Change[]): Enricher {
  const nothing = () => {};
  const told = { onChecked: nothing, onSkipped: nothing, onDisagreement: nothing };
  const agreement = new Agreement({ sample: 100, ...told });
  const enricher = new Enricher({ clock: systemClock, cluster: "production", agreement });
  enricher.update(changes);
  const [program, placement] = [world.program(), world.placement()];
  enricher.use({ program, placement, evaluate: evaluatorOf(program, placement), mode: () => "enforced" });
  return enricher;
}

/** Rounds of messages, each with other records. */
function messagesOf(world: World): readonly (readonly Uint8Array[])[] {
  const evaluate = evaluatorOf(world.program(), world.placement());
  const start = systemClock.now() * 1000;
  const source = rawFlows({ size, evaluate, start, perWindow: perRound, batch: perMessage });
  return Array.from({ length: rounds + 1 }, () => {
    const messages: Uint8Array[] = [];
    for (let records = 0; records < perRound; ) {
      const batch = source.next().value;
      messages.push(raw.encode(batch));
      records += batch.length;
    }
    return messages;
  });
}

/** Of a record, in seconds of CPU time. */
interface Costs {
  readonly decode: number;
  readonly encode: number;
  readonly all: number;
  readonly bytes: number;
}

async function round(messages: readonly Uint8Array[], enricher: Enricher): Promise<Costs> {
  const begin = process.cpuUsage();
  let [records, bytes, decode, encode] = [0, 0, 0, 0];
  for (const message of messages) {
    const decoding = process.threadCpuUsage();
    const flows = raw.decode(message);
    decode += seconds(process.threadCpuUsage(decoding));
    const told = await enricher.stage(flows);
    const encoding = process.threadCpuUsage();
    bytes += enriched.encode(told).length;
    encode += seconds(process.threadCpuUsage(encoding));
    records += flows.length;
  }
  const all = seconds(process.cpuUsage(begin));
  return { decode: decode / records, encode: encode / records, all: all / records, bytes: bytes / records };
}

async function main(): Promise<void> {
  const changes: readonly Change[] = [...clusterObjects(size), ...serviceObjects(size)].map(upsert);
  const world = new World();
  world.apply(changes);
  const enricher = enricherOf(world, [...changes, { type: "synced" }]);
  const [warmUp = [], ...messages] = messagesOf(world);
  await round(warmUp, enricher);
  const costs: Costs[] = [];
  for (const each of messages) costs.push(await round(each, enricher));
  const by = (part: keyof Costs) => middle(costs.map((cost) => cost[part]));
  const us = (part: keyof Costs) => `${(by(part) * 1e6).toFixed(2)} µs`;
  const rate = 1 / by("all");
  console.log(`${thousands(rate)} flows a core-second from Avro to Avro (at least ${thousands(limit)})`);
  console.log(`  of a record: decoded ${us("decode")}, encoded ${us("encode")}, all ${us("all")}`);
  console.log(`  ${Math.round(by("bytes"))} bytes a record`);
  if (rate < limit) process.exitCode = 1;
}

await main();

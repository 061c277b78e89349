// What it costs to say who talked to whom and why. Run by hand: node test/bench/enrich.bench.ts
//
// Method. The cluster of large-cluster.ts with 20,000 pods, 500 policies in three tiers and Calico's and Kubernetes' kinds, 4,000 Services; raw flows of
// raw-flows.ts, made and encoded beforehand, 500 of one node a message as collectors send them. Timed for each message: decoded (Avro), enriched (who,
// Service, decision and the way to it, by the evaluator beside the kernel's word; a sample of 1 in 100 compared, as by default),
// encoded (Avro, all labels within). The middle of five rounds of 200,000 records after one of warm-up, other records in each, in CPU time of
// this process (all threads, garbage collection included). Beside it the three parts by themselves. Ends with code 1 below the limit.
//
// A peer beside it: NetObserv's flowlogs-pipeline, where SLUICE_FLOWLOGS_PIPELINE or PATH has its program. The same records as JSON lines, the only text it
// takes, from a file into its transform `network` with its own Kubernetes informers (which list the same objects from a server of ours) and
// to a file, as JSON lines again; the middle of three runs of 200,000 records, in CPU time of its process less that of a run without any, which is its
// start. It does less: pod, node, Service and labels by an address as it is now, not as it was then; no policy, no decision, no comparison, no numbers that
// make a record count once. It does more: JSON, for which it is run once more without naming anybody. Names are compared with ours, record by record.
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { batches, batchSchema, rawFlowBatchSchema } from "../../core/records/batch.ts";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import type { Framed } from "../../core/records/framed-batches.ts";
import { Agreement } from "../../enrichers/agreement.ts";
import { Enricher } from "../../enrichers/enrich.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { World } from "../../policy/world.ts";
import { FlowlogsPipeline, hasFlowlogsPipeline, ourNames, peerNames } from "./flowlogs-pipeline.ts";
import { clusterObjects } from "./large-cluster.ts";
import { rawFlows, serviceObjects } from "./raw-flows.ts";

const limit = 100_000;
const perRound = 200_000;
const perMessage = 500;
const rounds = 5;
const peerRuns = 3;
const size = { namespaces: 200, pods: 20_000, policies: 500 };

const [raw, enriched] = [
  batches<RawFlow>(rawFlowBatchSchema(), "flows.raw"),
  batches<Flow>(batchSchema("flow"), "flows"),
];
/** Without a registry nothing waits. */
const encoded = (framed: Framed | Promise<Framed>) => framed as Framed;
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
function messagesOf(world: World): readonly (readonly Framed[])[] {
  const evaluate = evaluatorOf(world.program(), world.placement());
  const start = systemClock.now() * 1000;
  const source = rawFlows({ size, evaluate, start, perWindow: perRound, batch: perMessage });
  return Array.from({ length: rounds + 1 }, () => {
    const messages: Framed[] = [];
    for (let records = 0; records < perRound; ) {
      const batch = source.next().value;
      messages.push(encoded(raw.encode(batch)));
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

async function round(messages: readonly Framed[], enricher: Enricher): Promise<Costs> {
  const begin = process.cpuUsage();
  let [records, bytes, decode, encode] = [0, 0, 0, 0];
  for (const message of messages) {
    const decoding = process.threadCpuUsage();
    const flows = raw.decode(message) as readonly RawFlow[];
    decode += seconds(process.threadCpuUsage(decoding));
    const told = await enricher.stage(flows);
    const encoding = process.threadCpuUsage();
    bytes += encoded(enriched.encode(told)).value.length;
    encode += seconds(process.threadCpuUsage(encoding));
    records += flows.length;
  }
  const all = seconds(process.cpuUsage(begin));
  return { decode: decode / records, encode: encode / records, all: all / records, bytes: bytes / records };
}

/** What the peer takes for the same records, and whether it names the same. */
async function comparePeer(objects: readonly KubeObject[], messages: readonly Framed[], enricher: Enricher) {
  const records = messages.flatMap((message) => raw.decode(message) as readonly RawFlow[]);
  const peer = new FlowlogsPipeline(objects);
  await peer.open();
  try {
    const begin = (await peer.run([], "names")).cpuSeconds;
    const beginPlain = (await peer.run([], "nothing")).cpuSeconds;
    const runs = [];
    for (let turn = 0; turn < peerRuns; turn++) runs.push(await peer.run(records, "names"));
    const plain = (await peer.run(records, "nothing")).cpuSeconds - beginPlain;
    const ours = await enricher.stage(records);
    return {
      cost: (middle(runs.map(({ cpuSeconds }) => cpuSeconds)) - begin) / records.length,
      plain: plain / records.length,
      others: othersOf(runs[0]?.lines ?? [], ours),
    };
  } finally {
    peer.close();
  }
}

/** Records that the peer names otherwise, or not at all. */
function othersOf(lines: readonly string[], ours: readonly Flow[]): number {
  return ours.filter((flow, index) => {
    const names = lines[index] === undefined ? [] : peerNames(lines[index]);
    return ourNames(flow).some((name, place) => name !== names[place]);
  }).length;
}

async function main(): Promise<void> {
  const objects = [...clusterObjects(size), ...serviceObjects(size)];
  const changes: readonly Change[] = objects.map(upsert);
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
  if (!hasFlowlogsPipeline) {
    console.log("flowlogs-pipeline is not there (PATH, SLUICE_FLOWLOGS_PIPELINE): nothing to compare with");
    return;
  }
  const { cost, plain, others } = await comparePeer(objects, messages[0] as readonly Framed[], enricher);
  console.log(
    `flowlogs-pipeline, JSON to JSON without policies: ${thousands(1 / cost)}; ours x ${(rate * cost).toFixed(1)}`,
  );
  console.log(
    `  of a record: ${(cost * 1e6).toFixed(2)} µs, of which ${(plain * 1e6).toFixed(2)} without naming anybody`,
  );
  console.log(`  records that it names otherwise: ${thousands(others)} of ${thousands(perRound)}`);
}

await main();

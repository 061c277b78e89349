import type { KeptReader } from "../../core/bus.ts";
import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Sink, Source } from "../../core/pipeline.ts";
import type { Numbered } from "../../enrichers/once.ts";
import { MarkedOutput } from "./marked-output.ts";
import type { RecordPartition, RecordTopics, TopicRecords } from "./record-topics.ts";

const group = "enrich";

/** Of what a kind of records is made. */
const rawOf = { flows: "flows.raw", dns: "dns.raw" } as const;
type EnrichedKind = keyof typeof rawOf;
type Raw<K extends EnrichedKind> = TopicRecords[(typeof rawOf)[K]];

/** Works until the source ends; leaves out what the marks say is done. */
export type Enriching<K extends EnrichedKind> = (
  source: Source<Raw<K>>,
  into: Sink<TopicRecords[K]>,
  marks: readonly Numbered[],
  stop: AbortSignal,
) => Promise<void>;

export interface EnrichedPartitionsOptions<K extends EnrichedKind> {
  readonly kind: K;
  readonly topics: RecordTopics;
  readonly reader: KeptReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly enrich: Enriching<K>;
}

/** A heartbeat of the group comes sooner than that: who has lost a partition knows it before he tries to have it back. */
const pauseMs = 2_500;

/** Enriches the partitions that fall to this process, each by itself, until the signal aborts. */
export async function enrichPartitions<K extends EnrichedKind>(
  options: EnrichedPartitionsOptions<K>,
  stop: AbortSignal,
): Promise<void> {
  const working = new Set<Promise<void>>();
  for await (const partition of options.topics.partitions(rawOf[options.kind], group, stop)) {
    const work = enrichPartition(options, partition as RecordPartition<Raw<K>>, stop).finally(() =>
      working.delete(work),
    );
    working.add(work);
  }
  await Promise.all(working);
}

/** As long as it is ours. After a failure nobody knows what was stored, so it begins anew, from what is. */
async function enrichPartition<K extends EnrichedKind>(
  options: EnrichedPartitionsOptions<K>,
  partition: RecordPartition<Raw<K>>,
  stop: AbortSignal,
): Promise<void> {
  const { kind, clock, log } = options;
  const over = AbortSignal.any([partition.lost, stop]);
  while (!over.aborted) {
    try {
      await enrichOnce(options, partition, over);
    } catch (thrown) {
      if (over.aborted) return;
      log.warn(
        { topic: kind, partition: partition.number, error: messageOf(thrown) },
        "begins anew from what is stored",
      );
      await clock.sleep(pauseMs, over);
    }
  }
}

async function enrichOnce<K extends EnrichedKind>(
  { kind, topics, reader, enrich }: EnrichedPartitionsOptions<K>,
  { number, source }: RecordPartition<Raw<K>>,
  over: AbortSignal,
): Promise<void> {
  const topic = topics.topic(kind);
  const publisher = topics.bus.fenced(topic.name, number, `${topics.nameOf(group)}.${kind}.${number}`);
  const output = new MarkedOutput({ topic, partition: number, publisher, reader });
  try {
    const marks = await output.begin(over);
    const until = AbortSignal.any([over, output.failed]);
    await enrich(ending(source, until), output as Sink<TopicRecords[K]>, marks, until);
  } finally {
    await publisher.close();
  }
  if (output.failed.aborted) throw output.failed.reason;
}

/** A pipeline ends with its source. */
function ending<T>(source: Source<T>, until: AbortSignal): Source<T> {
  return { name: source.name, open: (signal) => source.open(AbortSignal.any([signal, until])) };
}

import type { AssignedPartition, KeptBus } from "../../core/bus.ts";
import type { Config } from "../../core/config.ts";
import { failuresTold } from "../../core/failures-told.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import type { Sink, Source } from "../../core/pipeline.ts";
import {
  type DeadLetters,
  deadLetterTopic,
  type Lot,
  type OfNode,
  publishing,
  type RecordTopic,
  readingFrom,
  subscribing,
  subscribingLots,
} from "../../core/record-topic.ts";
import { batches, batchSchema, rawDnsBatchSchema, rawFlowBatchSchema } from "../../core/records/batch.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord, RawDns } from "../../core/records/dns.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { ProgramRecord } from "../../core/records/program.ts";
import type { Seal } from "../../core/records/seal.ts";
import type { SchemaRegistry } from "../../core/schema-registry.ts";
import { registryOf } from "./registry.ts";
import { groupName, type TopicKind, topicName } from "./topics.ts";

/** What the topics of records hold. */
export interface TopicRecords {
  readonly "flows.raw": RawFlow;
  readonly "dns.raw": RawDns;
  readonly flows: Flow;
  readonly dns: DnsRecord;
  readonly losses: Loss;
  readonly heartbeats: Heartbeat;
  readonly endpoints: EndpointTenure;
  readonly programs: ProgramRecord;
  readonly changes: ChangeRecord;
  readonly seals: Seal;
}

/** Of a message that was sent again: which dead letter it was. */
export const replayHeader = "replay";

export type RecordPartition<T> = Pick<AssignedPartition, "number" | "lost"> & { readonly source: Source<T> };

const schemas = {
  "flows.raw": rawFlowBatchSchema,
  "dns.raw": rawDnsBatchSchema,
  flows: () => batchSchema("flow"),
  dns: () => batchSchema("dns"),
  losses: () => batchSchema("loss"),
  heartbeats: () => batchSchema("heartbeat"),
  endpoints: () => batchSchema("endpoint"),
  programs: () => batchSchema("program"),
  changes: () => batchSchema("change"),
  seals: () => batchSchema("seal"),
} as const;

/** The records of a bus, by topic. */
export class RecordTopics {
  readonly bus: KeptBus;
  readonly #config: Config;
  readonly #log: Log;
  readonly #dead: DeadLetters;
  readonly #mended = new WeakSet<object>();
  readonly #registry: SchemaRegistry | undefined;

  constructor(bus: KeptBus, config: Config, metrics: Metrics, log: Log) {
    this.bus = bus;
    this.#config = config;
    this.#log = log;
    this.#registry = registryOf(config);
    this.#dead = deadLetterTopic(bus, topicName(config, "dead"), (origin, cause) => {
      metrics.add("sluice_bus_dead_letters_total", {});
      log.error({ origin, cause }, "a message, or records of one, cannot be used; it is kept as a dead letter");
    });
  }

  sink<K extends keyof TopicRecords>(kind: K): Sink<TopicRecords[K]> {
    const topic = this.topic(kind) as RecordTopic<TopicRecords[K] & Partial<OfNode>>;
    return failuresTold(publishing(this.bus, topic), this.#log);
  }

  source<K extends keyof TopicRecords>(kind: K, group: string): Source<TopicRecords[K]> {
    return subscribing(this.bus, this.topic(kind), groupName(this.#config, group), this.#dead);
  }

  /** The partitions that fall to this process. */
  async *partitions<K extends keyof TopicRecords>(
    kind: K,
    group: string,
    signal: AbortSignal,
  ): AsyncGenerator<RecordPartition<TopicRecords[K]>> {
    const { name, codec } = this.topic(kind);
    for await (const { source, ...partition } of this.bus.partitions(name, groupName(this.#config, group), signal))
      yield { ...partition, source: readingFrom<TopicRecords[K]>(source, codec, this.#dead, this.#look) };
  }

  /** Whether a record is of a message that was sent again by `sluice dead replay`. */
  readonly isMended = (record: object): boolean => this.#mended.has(record);

  readonly #look = ({ message, records }: Lot<object>): void => {
    if (message.headers?.[replayHeader] !== undefined) for (const record of records) this.#mended.add(record);
  };

  get kinds(): readonly (keyof TopicRecords)[] {
    return Object.keys(schemas) as readonly (keyof TopicRecords)[];
  }

  /** A name of ours on the bus. */
  nameOf(name: string): string {
    return groupName(this.#config, name);
  }

  /** Message by message: for who has to know what was sent together. */
  lots<K extends keyof TopicRecords>(kind: K, group: string): Source<Lot<TopicRecords[K]>> {
    return subscribingLots(this.bus, this.topic(kind), groupName(this.#config, group), this.#dead);
  }

  /** Keeps records as a dead letter, with where they stood and why; as a message of their topic, so that it can be sent there again. */
  async bury<K extends keyof TopicRecords>(
    kind: K,
    records: readonly TopicRecords[K][],
    { message }: Lot<TopicRecords[K]>,
    cause: string,
    signal: AbortSignal,
  ): Promise<void> {
    const framed = await this.topic(kind).codec.encode(records);
    await this.#dead.put({ ...message, ...framed, headers: { ...message.headers, ...framed.headers } }, cause, signal);
  }

  topic<K extends keyof TopicRecords>(kind: K): RecordTopic<TopicRecords[K]> {
    const name = topicName(this.#config, kind as TopicKind);
    return { name, codec: batches<TopicRecords[K]>(schemas[kind](), name, this.#registry) };
  }
}

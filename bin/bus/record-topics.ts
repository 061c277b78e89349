import type { Bus } from "../../core/bus.ts";
import type { Config } from "../../core/config.ts";
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
}

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
} as const;

/** The records of a bus, by topic. */
export class RecordTopics {
  readonly #bus: Bus;
  readonly #config: Config;
  readonly #dead: DeadLetters;
  readonly #registry: SchemaRegistry | undefined;

  constructor(bus: Bus, config: Config, metrics: Metrics, log: Log) {
    this.#bus = bus;
    this.#config = config;
    this.#registry = registryOf(config);
    this.#dead = deadLetterTopic(bus, topicName(config, "dead"), (origin, cause) => {
      metrics.add("sluice_bus_dead_letters_total", {});
      log.error({ origin, cause }, "a message, or records of one, cannot be used; it is kept as a dead letter");
    });
  }

  sink<K extends keyof TopicRecords>(kind: K): Sink<TopicRecords[K]> {
    return publishing(this.#bus, this.#topic(kind) as RecordTopic<TopicRecords[K] & Partial<OfNode>>);
  }

  source<K extends keyof TopicRecords>(kind: K, group: string): Source<TopicRecords[K]> {
    return subscribing(this.#bus, this.#topic(kind), groupName(this.#config, group), this.#dead);
  }

  /** Message by message: for who has to know what was sent together. */
  lots<K extends keyof TopicRecords>(kind: K, group: string): Source<Lot<TopicRecords[K]>> {
    return subscribingLots(this.#bus, this.#topic(kind), groupName(this.#config, group), this.#dead);
  }

  /** Keeps records as a dead letter, with where they stood and why; as a message of their topic, so that it can be sent there again. */
  async bury<K extends keyof TopicRecords>(
    kind: K,
    records: readonly TopicRecords[K][],
    { message }: Lot<TopicRecords[K]>,
    cause: string,
    signal: AbortSignal,
  ): Promise<void> {
    const framed = await this.#topic(kind).codec.encode(records);
    await this.#dead.put({ ...message, ...framed, headers: { ...message.headers, ...framed.headers } }, cause, signal);
  }

  #topic<K extends keyof TopicRecords>(kind: K): RecordTopic<TopicRecords[K]> {
    const name = topicName(this.#config, kind as TopicKind);
    return { name, codec: batches<TopicRecords[K]>(schemas[kind](), name, this.#registry) };
  }
}

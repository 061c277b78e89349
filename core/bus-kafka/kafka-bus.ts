import { randomUUID } from "node:crypto";
import type { Kafka } from "kafkajs";
import type { AssignedPartition, FencedPublisher, KeptBus, KeptReader, Message } from "../bus.ts";
import type { Clock } from "../clock.ts";
import { SluiceError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Sink, Source } from "../pipeline.ts";
import { connectTo, type KafkaConnection } from "./connection.ts";
import { FencedProducer } from "./fenced-producer.ts";
import { Member } from "./member.ts";
import { TopicPublisher } from "./topic-publisher.ts";
import { TopicReader } from "./topic-reader.ts";

export interface KafkaBusOptions {
  readonly connection: KafkaConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly requestBytes?: number;
  readonly compress?: boolean;
  readonly fetchBytes?: number;
  readonly fetchWaitMs?: number;
  readonly sessionMs?: number;
}

/**
 * A bus on Kafka. Topics must be there (topics.ts). A new group begins at the first message that the topic still has. Messages of one
 * partition, so of one key, are in one delivery at a time.
 */
export function kafkaBus(options: KafkaBusOptions): KeptBus {
  return new KafkaBus(options);
}

class KafkaBus implements KeptBus {
  readonly #kafka: Kafka;
  readonly #options: KafkaBusOptions;
  readonly #publishers = new Map<string, TopicPublisher>();
  readonly #members = new Set<Member>();
  readonly #closing = new AbortController();

  constructor(options: KafkaBusOptions) {
    this.#options = options;
    this.#kafka = connectTo(options.connection, options.log);
  }

  publisher(topic: string): Sink<Message> {
    if (this.#closing.signal.aborted) return refusing(topic);
    const { requestBytes = 900_000, compress = true } = this.#options;
    const known = this.#publishers.get(topic);
    const publisher = known ?? new TopicPublisher(this.#kafka, topic, { requestBytes, compress });
    this.#publishers.set(topic, publisher);
    return publisher;
  }

  subscription(topic: string, group: string): Source<Message> {
    const open = (signal: AbortSignal) => this.#member(topic, group).deliveries(this.#until(signal));
    return { name: `kafka ${topic} as ${group}`, open };
  }

  partitions(topic: string, group: string, signal: AbortSignal): AsyncIterable<AssignedPartition> {
    return this.#member(topic, group).assignments(this.#until(signal));
  }

  fenced(topic: string, partition: number, name: string): FencedPublisher {
    return new FencedProducer(this.#kafka, { topic, partition, name, compress: this.#options.compress ?? true });
  }

  reader(topics: readonly string[], name: string): KeptReader {
    return new TopicReader(this.#kafka, topics, `${name}.${randomUUID()}`);
  }

  #member(topic: string, group: string): Member {
    const { clock, log, fetchBytes = 4_194_304, fetchWaitMs = 100, sessionMs = 15_000 } = this.#options;
    const member = new Member(this.#kafka, { topic, group, fetchBytes, fetchWaitMs, sessionMs }, clock, log);
    this.#members.add(member);
    return member;
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#publishers.values()].map((publisher) => publisher.close()));
    await Promise.all([...this.#members].map((member) => member.leave()));
  }
}

function refusing(topic: string): Sink<Message> {
  const refusal = () => new SluiceError("SINK_FAILED", `topic ${topic}: the bus is closed`, { context: { topic } });
  return { name: `kafka ${topic}`, write: () => Promise.reject(refusal()) };
}

import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import type { Extent, KeptReader, Message } from "../bus.ts";
import { SluiceError } from "../errors.ts";
import { explained, isFinal } from "./advice.ts";
import { received } from "./received.ts";

interface Reading {
  readonly to: bigint;
  next: bigint;
  readonly messages: Message[];
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Reads again what topics keep, without leaving a mark: the only member of a group of its own, for which nothing is committed. What
 * nobody reads just now is paused. What belongs to a transaction that was not ended, or was given up, is left out.
 */
export class TopicReader implements KeptReader {
  readonly #kafka: Kafka;
  readonly #topics: readonly string[];
  readonly #group: string;
  readonly #readings = new Map<string, Reading>();
  #joined: Promise<Consumer> | undefined;

  constructor(kafka: Kafka, topics: readonly string[], group: string) {
    this.#kafka = kafka;
    this.#topics = topics;
    this.#group = group;
  }

  async extents(topic: string, since?: number): Promise<ReadonlyMap<number, Extent>> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      const ends = await admin.fetchTopicOffsets(topic);
      const begins = since === undefined ? [] : await admin.fetchTopicOffsetsByTimestamp(topic, since);
      const beginOf = new Map(begins.map(({ partition, offset }) => [partition, offset]));
      return new Map(
        ends.map(({ partition, low, high }) => [
          partition,
          { from: BigInt(beginOf.get(partition) ?? low), to: BigInt(high) },
        ]),
      );
    } catch (cause) {
      throw this.#failure(topic, cause);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  async read(topic: string, partition: number, extent: Extent, signal: AbortSignal): Promise<readonly Message[]> {
    if (extent.from >= extent.to) return [];
    const reading: Reading = { to: extent.to, next: extent.from, messages: [], done: Promise.withResolvers() };
    const key = `${topic}/${partition}`;
    const giveUp = () => reading.done.reject(this.#failure(topic, new Error("gave up reading")));
    try {
      const consumer = await this.#join();
      if (signal.aborted) giveUp();
      signal.addEventListener("abort", giveUp, { once: true });
      this.#readings.set(key, reading);
      consumer.seek({ topic, partition, offset: String(extent.from) });
      consumer.resume([{ topic, partitions: [partition] }]);
      await reading.done.promise;
      return reading.messages;
    } catch (cause) {
      throw this.#failure(topic, cause);
    } finally {
      signal.removeEventListener("abort", giveUp);
      this.#readings.delete(key);
    }
  }

  async close(): Promise<void> {
    const consumer = await this.#joined?.catch(() => undefined);
    for (const { done } of this.#readings.values()) done.reject(new Error("the bus is closed"));
    await consumer?.disconnect().catch(() => {});
  }

  async #join(): Promise<Consumer> {
    this.#joined ??= this.#begin().catch((cause) => {
      this.#joined = undefined;
      throw cause;
    });
    return this.#joined;
  }

  async #begin(): Promise<Consumer> {
    const consumer = this.#kafka.consumer({
      groupId: this.#group,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      retry: {
        retries: 3,
        initialRetryTime: 100,
        maxRetryTime: 1_000,
        restartOnFailure: (cause) => Promise.resolve(!isFinal(cause)),
      },
    });
    const joined = Promise.withResolvers<void>();
    joined.promise.catch(() => {}); // it may fail before anybody waits for it
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (restart) return;
      joined.reject(error);
      this.#joined = undefined;
      for (const { done } of this.#readings.values()) done.reject(error);
    });
    consumer.on(consumer.events.GROUP_JOIN, () => {
      joined.resolve();
      this.#seekAgain(consumer);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.#topics], fromBeginning: false });
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: (batch) => this.#take(batch) });
    await joined.promise;
    return consumer;
  }

  /** A member that was away begins anew, where nothing was committed. */
  #seekAgain(consumer: Consumer): void {
    for (const [key, { next }] of this.#readings) {
      const cut = key.lastIndexOf("/");
      consumer.seek({ topic: key.slice(0, cut), partition: Number(key.slice(cut + 1)), offset: String(next) });
    }
  }

  async #take({ batch, resolveOffset, heartbeat, pause, isStale }: EachBatchPayload): Promise<void> {
    const reading = this.#readings.get(`${batch.topic}/${batch.partition}`);
    if (reading === undefined) return void pause();
    // What was asked for before the seek, from behind the end perhaps.
    if (isStale()) return;
    for (const message of received(batch)) {
      if (message.offset < reading.next || message.offset >= reading.to) continue;
      reading.messages.push(message);
    }
    reading.next = BigInt(batch.lastOffset()) + 1n;
    resolveOffset(batch.lastOffset());
    if (reading.next >= reading.to) {
      pause();
      reading.done.resolve();
    }
    await heartbeat();
  }

  #failure(topic: string, cause: unknown): SluiceError {
    if (cause instanceof SluiceError) return cause;
    // It asks for all of its topics at once, and brokers do not say which of them it may not read.
    const text = explained(cause, { topic: this.#topics.join(" or "), group: this.#group, needs: "Read" });
    const options = { cause, retriable: true, context: { topic } };
    return new SluiceError("BUS_FAILED", `topic ${topic} cannot be read: ${text}`, options);
  }
}

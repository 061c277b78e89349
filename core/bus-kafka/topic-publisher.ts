import type { Kafka, Producer } from "kafkajs";
import kafkajs from "kafkajs";
import type { Message } from "../bus.ts";
import { Condition } from "../condition.ts";
import { SluiceError } from "../errors.ts";
import type { Sink } from "../pipeline.ts";
import { explained } from "./advice.ts";
import { requestParts, sizeOf } from "./request-parts.ts";

export interface PublisherOptions {
  /** Most bytes of one request, before compression; a message may not be longer. At most the broker's `message.max.bytes`. */
  readonly requestBytes: number;
  readonly compress: boolean;
}

interface Waiting {
  readonly messages: readonly Message[];
  readonly bytes: number;
  readonly stored: PromiseWithResolvers<void>;
}

/**
 * Publishes to one topic: an idempotent producer, acknowledged by all replicas that are in sync. One request at a time, which takes what
 * was written meanwhile, so the order of writes is that of the topic. After a failure the next request has a new producer: what
 * was stored without an answer comes twice then, as a Sink may.
 */
export class TopicPublisher implements Sink<Message> {
  readonly name: string;
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #options: PublisherOptions;
  readonly #waiting: Waiting[] = [];
  readonly #idle = new Condition();
  #producer: Promise<Producer> | undefined;
  #sending = false;
  #closed = false;

  constructor(kafka: Kafka, topic: string, options: PublisherOptions) {
    this.name = `kafka ${topic}`;
    this.#kafka = kafka;
    this.#topic = topic;
    this.#options = options;
  }

  /** A write that is given up may have been stored. */
  write(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    if (this.#closed) return Promise.reject(this.#refusal("the bus is closed"));
    if (signal.aborted) return Promise.reject(this.#refusal("gave up before it was sent"));
    const long = messages.find((message) => sizeOf(message) > this.#options.requestBytes);
    if (long !== undefined) return Promise.reject(this.#tooLong(long));
    const stored = Promise.withResolvers<void>();
    const giveUp = () => stored.reject(this.#refusal("gave up while it was being sent"));
    signal.addEventListener("abort", giveUp, { once: true });
    const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0);
    this.#waiting.push({ messages, bytes, stored });
    void this.#send();
    return stored.promise.finally(() => signal.removeEventListener("abort", giveUp));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { stored } of this.#waiting.splice(0)) stored.reject(this.#refusal("the bus is closed"));
    while (this.#sending) await this.#idle.wait(AbortSignal.timeout(5_000));
    await this.#drop();
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    // Who writes in one go is in one request.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#request(this.#next());
    this.#sending = false;
    this.#idle.changed();
  }

  /** As many writes as a request holds; one that is larger than that goes alone. */
  #next(): readonly Waiting[] {
    let [count, bytes] = [0, 0];
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > this.#options.requestBytes) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #request(writes: readonly Waiting[]): Promise<void> {
    try {
      const messages = writes.flatMap((write) => write.messages);
      for (const part of requestParts(messages, this.#options.requestBytes)) await this.#produce(part);
      for (const { stored } of writes) stored.resolve();
    } catch (cause) {
      await this.#drop();
      const failure = this.#failure(cause);
      for (const { stored } of writes) stored.reject(failure);
    }
  }

  async #produce(messages: readonly Message[]): Promise<void> {
    this.#producer ??= this.#connect();
    const producer = await this.#producer;
    await producer.send({
      topic: this.#topic,
      acks: -1,
      compression: this.#options.compress ? kafkajs.CompressionTypes.ZSTD : kafkajs.CompressionTypes.None,
      messages: messages.map(({ key, value, headers }) => ({
        key,
        value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
        ...(headers === undefined ? {} : { headers: { ...headers } }),
      })),
    });
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      // An idempotent producer of kafkajs would try for ever, and nobody would know.
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
    });
    await producer.connect();
    return producer;
  }

  async #drop(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.then((one) => one.disconnect()).catch(() => {});
  }

  #refusal(why: string): SluiceError {
    return new SluiceError("SINK_FAILED", `topic ${this.#topic}: ${why}`, { context: { topic: this.#topic } });
  }

  #tooLong(message: Message): SluiceError {
    return this.#refusal(
      `a message of ${sizeOf(message)} bytes is longer than a request may be (${this.#options.requestBytes})`,
    );
  }

  #failure(cause: unknown): SluiceError {
    const context = { topic: this.#topic };
    const text = explained(cause, { topic: this.#topic, needs: "Write" });
    return new SluiceError("SINK_FAILED", `topic ${this.#topic}: ${text}`, {
      cause,
      context,
      retriable: true,
    });
  }
}

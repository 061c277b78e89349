import type { Kafka, Producer } from "kafkajs";
import kafkajs from "kafkajs";
import type { FencedPublisher, Message } from "../bus.ts";
import { SluiceError } from "../errors.ts";
import { explained } from "./advice.ts";
import { requestParts } from "./request-parts.ts";

export interface FencedProducerOptions {
  readonly topic: string;
  readonly partition: number;
  /** Who writes: the transactional id. */
  readonly name: string;
  readonly compress: boolean;
}

/** After so long the broker gives up a transaction whose producer is gone, and readers go on. */
const transactionMs = 30_000;
const requestBytes = 900_000;

/**
 * A transactional producer of one partition. The broker lets the last one that began in a name write, and gives up what an earlier one
 * had not ended: so a process that was taken for dead and is not cannot write any more. One write at a time. After a failure nobody knows what
 * was stored: whoever goes on begins another, and looks.
 */
export class FencedProducer implements FencedPublisher {
  readonly #kafka: Kafka;
  readonly #options: FencedProducerOptions;
  #producer: Promise<Producer> | undefined;

  constructor(kafka: Kafka, options: FencedProducerOptions) {
    this.#kafka = kafka;
    this.#options = options;
  }

  async write(messages: readonly Message[]): Promise<bigint> {
    try {
      this.#producer ??= this.#connect();
      return await this.#transact(await this.#producer, messages);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined);
    await producer?.disconnect().catch(() => {});
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      transactionalId: this.#options.name,
      transactionTimeout: transactionMs,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      // The broker may still be ending the transaction before, for a moment.
      retry: { retries: 8, initialRetryTime: 10, maxRetryTime: 1_000 },
    });
    await producer.connect();
    return producer;
  }

  async #transact(producer: Producer, messages: readonly Message[]): Promise<bigint> {
    const { topic, partition, compress } = this.#options;
    const transaction = await producer.transaction();
    let first: string | undefined;
    for (const part of requestParts(messages, requestBytes)) {
      const [stored] = await transaction.send({
        topic,
        acks: -1,
        compression: compress ? kafkajs.CompressionTypes.ZSTD : kafkajs.CompressionTypes.None,
        messages: part.map(({ key, value, headers }) => ({
          key,
          partition,
          value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
          ...(headers === undefined ? {} : { headers: { ...headers } }),
        })),
      });
      first ??= stored?.baseOffset;
    }
    await transaction.commit();
    return BigInt(first ?? -1);
  }

  #failure(cause: unknown): SluiceError {
    const { topic, partition, name } = this.#options;
    const context = { topic, partition };
    const text = explained(cause, { topic, transaction: name, needs: "Write" });
    return new SluiceError("BUS_FAILED", `topic ${topic}, partition ${partition}: ${text}`, { cause, context });
  }
}

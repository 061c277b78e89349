import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import type { AssignedPartition, Message } from "../bus.ts";
import type { Clock } from "../clock.ts";
import { Condition } from "../condition.ts";
import { messageOf, SluiceError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Delivery, Source } from "../pipeline.ts";
import { explained } from "./advice.ts";
import type { PartitionLag } from "./lag.ts";
import { Partition } from "./partition.ts";
import { received } from "./received.ts";

export interface MemberOptions {
  readonly topic: string;
  readonly group: string;
  /** Most bytes that a fetch gets of one partition. */
  readonly fetchBytes: number;
  /** How long a fetch waits at the broker for something to come. */
  readonly fetchWaitMs: number;
  /** A member that says nothing for so long is taken for dead. */
  readonly sessionMs: number;
}

/** What Kafka calls the group. */
const groupIdOf = ({ group, topic }: Pick<MemberOptions, "group" | "topic">): string => `${group}.${topic}`;

/** How long a batch may take before its partition is no longer fetched, so that others go on. */
const patienceMs = 1_000;
/** How long a member that leaves, or a rebalance, waits for what is handed out. */
const graceMs = 10_000;
const partitionsAtOnce = 64;
/** A batch that was refused comes again after that: what it lacked (a schema registry, room) may be there by then. */
const againMs = 1_000;

/**
 * A member of a consumer group. A batch is handed out to whoever pulls, and its offsets are committed when it is acked; of a
 * partition one batch is out at a time, so what is committed is what was done.
 */
export class Member {
  readonly #consumer: Consumer;
  readonly #options: MemberOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #partitions = new Map<number, Partition>();
  /** Something can be handed out, or was settled, or the end has come. */
  readonly #news = new Condition();
  #failure: unknown;
  readonly #leaving = new AbortController();
  #joined: Promise<void> = Promise.resolve();
  #left: Promise<void> | undefined;

  constructor(kafka: Kafka, options: MemberOptions, clock: Clock, log: Log) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log.child({ topic: options.topic, group: options.group });
    this.#consumer = kafka.consumer({
      // Members of one group of Kafka must ask for the same topics, or some are given nothing.
      groupId: groupIdOf(options),
      sessionTimeout: options.sessionMs,
      heartbeatInterval: Math.floor(options.sessionMs / 10),
      maxWaitTimeInMs: options.fetchWaitMs,
      maxBytesPerPartition: options.fetchBytes,
      allowAutoTopicCreation: false,
      retry: {
        retries: 3,
        initialRetryTime: 100,
        maxRetryTime: 1_000,
        restartOnFailure: () => Promise.resolve(!this.#isLeaving),
      },
    });
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) =>
      this.#assign(payload.memberAssignment[options.topic] ?? []),
    );
    this.#consumer.on(this.#consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#fail(payload.error);
    });
  }

  deliveries(signal: AbortSignal): AsyncGenerator<Delivery<Message>> {
    return this.#while(signal, () => {
      const ready = [...this.#partitions.values()].find(({ isReady }) => isReady);
      return ready && this.#handOut(ready);
    });
  }

  /** Each partition as it falls to this member; whoever takes it pulls its deliveries. */
  assignments(signal: AbortSignal): AsyncGenerator<AssignedPartition> {
    const told = new WeakSet<Partition>();
    return this.#while(signal, () => {
      const fresh = [...this.#partitions.values()].find((partition) => !told.has(partition));
      if (fresh === undefined) return undefined;
      told.add(fresh);
      return { number: fresh.number, lost: fresh.lost, source: this.#sourceOf(fresh) };
    });
  }

  /** A member of the group until the signal aborts or nobody pulls any more, handing out what there is. */
  async *#while<T>(signal: AbortSignal, next: () => T | undefined): AsyncGenerator<T> {
    signal.addEventListener("abort", () => void this.leave(), { once: true });
    if (!signal.aborted) this.#joined = this.#join().catch((cause) => this.#fail(cause));
    try {
      while (!signal.aborted) {
        if (this.#failure !== undefined) throw this.#failed();
        const found = next();
        if (found === undefined) await this.#news.wait(signal);
        else yield found;
      }
    } finally {
      void this.leave();
    }
  }

  #sourceOf(partition: Partition): Source<Message> {
    const open = async function* (this: Member, signal: AbortSignal) {
      const until = AbortSignal.any([signal, partition.lost]);
      while (!until.aborted && !this.#isLeaving) {
        if (partition.isReady) yield this.#handOut(partition);
        else await this.#news.wait(until);
      }
    };
    return { name: `kafka ${this.#options.topic}/${partition.number}`, open: open.bind(this) };
  }

  get #isLeaving(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** Of the partitions that it has now. */
  get lags(): readonly PartitionLag[] {
    const { topic } = this.#options;
    const now = this.#clock.now();
    return [...this.#partitions.values()].map(({ number, behind: { messages, oldest } }) => ({
      group: groupIdOf(this.#options),
      topic,
      partition: number,
      messages,
      seconds: oldest === undefined ? null : Math.max(0, now - oldest) / 1_000,
    }));
  }

  /** Resolves when the group knows that this member is gone; what was handed out may be acked until then. */
  leave(): Promise<void> {
    this.#left ??= this.#joined.then(() => this.#leave());
    return this.#left;
  }

  async #join(): Promise<void> {
    const { topic } = this.#options;
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitionsAtOnce,
      eachBatch: (payload) => this.#receive(payload),
    });
  }

  #assign(numbers: readonly number[]): void {
    for (const [number, partition] of this.#partitions) {
      if (numbers.includes(number)) continue;
      partition.lose();
      this.#partitions.delete(number);
    }
    for (const number of numbers)
      if (!this.#partitions.has(number)) this.#partitions.set(number, new Partition(number));
    this.#log.debug({ partitions: numbers }, "partitions assigned");
    this.#news.changed();
  }

  async #receive({ batch, resolveOffset, heartbeat, pause }: EachBatchPayload): Promise<void> {
    const partition = this.#partitions.get(batch.partition);
    if (partition === undefined || this.#isLeaving) return;
    const done = partition.put(received(batch), BigInt(batch.highWatermark));
    this.#news.changed();
    const isDone = await this.#whileAlive(done, patienceMs, heartbeat);
    resolveOffset(batch.lastOffset());
    if (isDone || this.#isLeaving) return;
    const resume = pause();
    this.#log.debug({ partition: batch.partition }, "partition paused until its batch is done");
    void done.then(resume);
  }

  /**
   * True if it is done in time. A rebalance waits for what is out, so that it is committed and comes to nobody twice; who takes longer
   * than `graceMs` is not waited for.
   */
  async #whileAlive(done: Promise<void>, patience: number, heartbeat: () => Promise<void>): Promise<boolean> {
    const settled = done.then(() => true);
    const begin = this.#clock.monotonic();
    while (!this.#isLeaving && this.#clock.monotonic() - begin < patience) {
      const isDone = await this.#inTime(settled, Math.min(100, patience));
      if (isDone) return true;
      try {
        await heartbeat();
      } catch (rebalancing) {
        await this.#inTime(this.#settledOut(), graceMs);
        throw rebalancing;
      }
    }
    return false;
  }

  async #inTime(work: Promise<unknown>, ms: number): Promise<boolean> {
    const over = new AbortController();
    const late = this.#clock.sleep(ms, over.signal).then(() => false);
    const isDone = await Promise.race([work.then(() => true), late]);
    over.abort();
    return isDone;
  }

  /** Nothing is handed out. */
  async #settledOut(): Promise<void> {
    const forever = new AbortController().signal;
    while ([...this.#partitions.values()].some(({ isOut }) => isOut)) await this.#news.wait(forever);
  }

  #handOut(partition: Partition): Delivery<Message> {
    const { messages, end } = partition.take();
    let isSettled = false;
    const settle = async (how: () => Promise<void> | void) => {
      if (isSettled) return;
      isSettled = true;
      await how();
      // Not in this tick: a consumer that fails at once and for ever must not keep timers and signals from running.
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#news.changed();
    };
    return {
      items: messages,
      ack: () => settle(() => this.#done(partition, end)),
      nack: (cause) => settle(() => this.#refused(partition, cause)),
    };
  }

  async #refused(partition: Partition, cause: unknown): Promise<void> {
    if (!this.#isLeaving && !partition.isLost)
      this.#log.warn({ partition: partition.number, error: messageOf(cause) }, "messages refused; they come again");
    await this.#clock.sleep(againMs, AbortSignal.any([this.#leaving.signal, partition.lost]));
    partition.again();
  }

  async #done(partition: Partition, end: bigint): Promise<void> {
    if (!partition.isLost) await this.#commit(partition.number, end);
    partition.done();
  }

  /** What cannot be committed (a rebalance, a broker that is away) comes again: to another member, or never if the next commit is in time. */
  async #commit(partition: number, end: bigint): Promise<void> {
    try {
      await this.#consumer.commitOffsets([{ topic: this.#options.topic, partition, offset: String(end) }]);
    } catch (cause) {
      this.#log.warn({ partition, error: messageOf(cause) }, "offset not committed; what was done may come again");
    }
  }

  async #leave(): Promise<void> {
    this.#leaving.abort();
    this.#news.changed();
    await this.#inTime(this.#settledOut(), graceMs);
    for (const partition of this.#partitions.values()) partition.lose();
    await this.#consumer.disconnect().catch((cause) => this.#log.debug({ error: messageOf(cause) }, "left badly"));
  }

  #fail(cause: unknown): void {
    this.#failure = cause;
    this.#news.changed();
  }

  #failed(): SluiceError {
    const { topic, group } = this.#options;
    const asked = { topic, group: groupIdOf({ topic, group }), needs: "Read" };
    const text = `topic ${topic}, group ${group}: ${explained(this.#failure, asked)}`;
    return new SluiceError("BUS_FAILED", text, { cause: this.#failure, retriable: true, context: { topic, group } });
  }
}

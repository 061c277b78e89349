import { randomUUID } from "node:crypto";
import type { FencedPublisher, KeptReader, Message } from "../../core/bus.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Sink } from "../../core/pipeline.ts";
import { allOf, messagesOf, type RecordTopic } from "../../core/record-topic.ts";
import type { Numbered } from "../../enrichers/once.ts";
import { allMarksHeader, Marks, marksHeader } from "./marks.ts";

export interface MarkedOutputOptions<T> {
  readonly topic: RecordTopic<T>;
  readonly partition: number;
  readonly publisher: FencedPublisher;
  readonly reader: KeptReader;
}

/** After so many messages all marks are written again, so that nobody need read more to know them. */
const marksEvery = 256;
/** Looked through first; a transaction of one message takes two offsets. */
const firstLook = 1024n;

/**
 * A partition of a topic of numbered records that one process at a time writes to, which knows from what stands there how far it came.
 * Any failure is the end of it: begin another.
 */
export class MarkedOutput<T extends Numbered> implements Sink<T> {
  readonly name: string;
  readonly #options: MarkedOutputOptions<T>;
  readonly #marks = new Marks();
  readonly #failed = new AbortController();
  #sinceMarks = 0;
  /** Resolves when the writes before are over. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: MarkedOutputOptions<T>) {
    this.name = `${options.topic.name}/${options.partition}`;
    this.#options = options;
  }

  /** Aborted once a write has failed. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Nobody else writes from here on. Gives what was done before. */
  async begin(signal: AbortSignal): Promise<readonly Numbered[]> {
    // Its own message ends the search: whatever stands before it stays as it is.
    const begun = await this.#options.publisher.write([await this.#empty({ begin: randomUUID() })]);
    await this.#recall(begun, signal);
    await this.#options.publisher.write([await this.#empty(allMarksHeader(this.#marks))]);
    return this.#marks.all;
  }

  write(records: readonly T[]): Promise<void> {
    const written = this.#turn.then(() => this.#write(records));
    this.#turn = written.catch(() => {});
    return written;
  }

  /** One after the other: marks are those of what was written before, and nothing may pass what failed. */
  async #write(records: readonly T[]): Promise<void> {
    if (this.#failed.signal.aborted) throw this.#isOver();
    try {
      await this.#options.publisher.write(await this.#messages(records));
    } catch (thrown) {
      this.#failed.abort(thrown);
      throw thrown;
    }
  }

  async #messages(records: readonly T[]): Promise<readonly Message[]> {
    const messages = await allOf(messagesOf(records, this.#options.topic.codec, marksHeader));
    this.#marks.add(records);
    this.#sinceMarks += messages.length;
    if (this.#sinceMarks < marksEvery) return messages;
    this.#sinceMarks = 0;
    return [...messages, await this.#empty(allMarksHeader(this.#marks))];
  }

  async #recall(begun: bigint, signal: AbortSignal): Promise<void> {
    const { reader, topic, partition } = this.#options;
    const oldest = (await reader.extents(topic.name)).get(partition)?.from ?? 0n;
    for (let look = firstLook; ; look *= 4n) {
      const from = begun - look > oldest ? begun - look : oldest;
      const messages = await reader.read(topic.name, partition, { from, to: begun + 1n }, signal);
      const isWhole = messages.map((message) => this.#marks.read(message)).includes(true);
      if (isWhole || from === oldest) return;
    }
  }

  /** Trying again does not help. */
  #isOver(): SluiceError {
    const cause: unknown = this.#failed.signal.reason;
    return new SluiceError("BUS_FAILED", `${this.name}: a write before failed: ${messageOf(cause)}`, { cause });
  }

  async #empty(headers: Readonly<Record<string, string>>): Promise<Message> {
    const framed = await this.#options.topic.codec.encode([]);
    return { key: "", value: framed.value, headers: { ...framed.headers, ...headers } };
  }
}

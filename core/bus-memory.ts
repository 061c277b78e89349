import type { Bus, Message } from "./bus.ts";
import { Condition } from "./condition.ts";
import { SluiceError } from "./errors.ts";
import { Lanes } from "./lanes.ts";
import type { Delivery, Sink, Source } from "./pipeline.ts";

export interface MemoryBusOptions {
  /** How many messages a group may have waiting and in flight; a publisher waits until the slowest group has fewer. */
  readonly capacity?: number;
  /** How many messages a delivery holds at most. */
  readonly batch?: number;
}

/**
 * A bus within this process. A group gets what is published from the call of `subscription` on; without any group,
 * messages go nowhere. Messages of one key are in one delivery at a time, so a nacked one comes again before its successors.
 * After `close`, groups still get what was stored; their iterations end when nothing is left.
 */
export function memoryBus(options: MemoryBusOptions = {}): Bus {
  const { capacity = 16_384, batch = 1_024 } = options;
  const topics = new Map<string, Topic>();
  const topicOf = (name: string) => {
    const topic = topics.get(name) ?? new Topic(name, capacity, batch);
    topics.set(name, topic);
    return topic;
  };
  let closed = false;
  return {
    publisher: (name) => (closed ? closedTopic(name) : topicOf(name)).publisher(),
    subscription: (name, group) => (closed ? closedTopic(name) : topicOf(name)).group(group),
    close() {
      closed = true;
      for (const topic of topics.values()) topic.close();
      return Promise.resolve();
    },
  };
}

function closedTopic(name: string): Topic {
  const topic = new Topic(name, 0, 0);
  topic.close();
  return topic;
}

class Topic {
  readonly #name: string;
  readonly #capacity: number;
  readonly #batch: number;
  readonly #groups = new Map<string, Group>();
  /** A group has got room, or the topic was closed. */
  readonly #room = new Condition();
  /** The last write; publishers take turns, so that batches are stored in the order they were written. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(name: string, capacity: number, batch: number) {
    this.#name = name;
    this.#capacity = capacity;
    this.#batch = batch;
  }

  publisher(): Sink<Message> {
    return {
      name: `memory ${this.#name}`,
      write: (batch, signal) => {
        const written = this.#turn.then(() => this.#store(batch, signal));
        this.#turn = written.catch(() => {});
        return written;
      },
    };
  }

  group(name: string): Source<Message> {
    const group = this.#groups.get(name) ?? new Group(`memory ${this.#name} as ${name}`, this.#batch, this.#room);
    this.#groups.set(name, group);
    if (this.#closed) group.close();
    return group;
  }

  close(): void {
    this.#closed = true;
    for (const group of this.#groups.values()) group.close();
    this.#room.changed();
  }

  /** Into every group or, when that cannot be, into none. */
  async #store(batch: readonly Message[], signal: AbortSignal): Promise<void> {
    const full = () => [...this.#groups.values()].some((group) => group.size >= this.#capacity);
    while (!this.#closed && !signal.aborted && full()) await this.#room.wait(signal);
    if (this.#closed) throw this.#refusal("the bus is closed");
    if (signal.aborted) throw this.#refusal("gave up while a group had no room");
    for (const group of this.#groups.values()) group.add(batch);
  }

  #refusal(why: string): SluiceError {
    return new SluiceError("SINK_FAILED", `topic ${this.#name}: ${why}`, { context: { topic: this.#name } });
  }
}

/** Members open the same group and take turns with it. */
class Group implements Source<Message> {
  readonly name: string;
  readonly #batch: number;
  readonly #room: Condition;
  readonly #lanes = new Lanes<Message>();
  readonly #news = new Condition();
  #closed = false;

  constructor(name: string, batch: number, room: Condition) {
    this.name = name;
    this.#batch = batch;
    this.#room = room;
  }

  get size(): number {
    return this.#lanes.size;
  }

  add(batch: readonly Message[]): void {
    for (const message of batch) this.#lanes.add(message.key, message);
    this.#news.changed();
  }

  close(): void {
    this.#closed = true;
    this.#news.changed();
  }

  async *open(signal: AbortSignal): AsyncGenerator<Delivery<Message>> {
    while (!signal.aborted) {
      const taken = this.#lanes.take(this.#batch);
      if (taken.items.length > 0) yield this.#delivery(taken);
      else if (this.#closed && this.#lanes.size === 0) return;
      else await this.#news.wait(signal);
    }
  }

  #delivery(taken: ReturnType<Lanes<Message>["take"]>): Delivery<Message> {
    const settle = async (how: () => void) => {
      how();
      // Not in this tick: a consumer that fails at once and for ever must not keep timers and signals from running.
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#news.changed();
      this.#room.changed();
    };
    return { items: taken.items, ack: () => settle(taken.done), nack: () => settle(taken.again) };
  }
}

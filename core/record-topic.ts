import type { Bus, Message } from "./bus.ts";
import { messageOf } from "./errors.ts";
import type { Delivery, Sink, Source } from "./pipeline.ts";
import type { Codec } from "./records/codec.ts";

/** Records of a node keep their order; those of none keep theirs among themselves. */
export interface OfNode {
  readonly node?: string | null;
}

/** A topic whose messages hold many records of a kind. */
export interface RecordTopic<T> {
  readonly name: string;
  readonly codec: Codec<readonly T[]>;
}

/** So many keep a message well below what brokers take (1 MB), with labels and all. */
const perMessage = 500;

/** Records as messages of one node each, in their order. */
export function publishing<T extends OfNode>(bus: Bus, { name, codec }: RecordTopic<T>): Sink<T> {
  const publisher = bus.publisher(name);
  return {
    name: publisher.name,
    write: (records, signal) => publisher.write(messagesOf(records, codec), signal),
  };
}

/** With headers made of the records of each message. */
export function messagesOf<T extends OfNode>(
  records: readonly T[],
  codec: Codec<readonly T[]>,
  headersOf?: (records: readonly T[]) => Readonly<Record<string, string>>,
): readonly Message[] {
  return [...Map.groupBy(records, ({ node }) => node ?? "")].flatMap(([key, ofNode]) =>
    chunks(ofNode).map((chunk) => {
      const headers = headersOf?.(chunk);
      return { key, value: codec.encode(chunk), ...(headers === undefined ? {} : { headers }) };
    }),
  );
}

/** What to do with a message that is no batch of records: it must not hold up what comes after it, nor vanish. */
export interface DeadLetters {
  /** Stores it with the reason; resolves when that is durable. */
  put(message: Message, cause: string, signal: AbortSignal): Promise<void>;
}

/** The records of one message: what was sent together comes again together. */
export interface Lot<T> {
  readonly message: Message;
  readonly records: readonly T[];
}

/** The records of a topic. What cannot be read goes to the dead letters before anything else of its delivery is handed out. */
export function subscribing<T>(bus: Bus, { name, codec }: RecordTopic<T>, group: string, dead: DeadLetters): Source<T> {
  return readingFrom(bus.subscription(name, group), codec, dead);
}

/** The same of a source of messages. */
export function readingFrom<T>(source: Source<Message>, codec: Codec<readonly T[]>, dead: DeadLetters): Source<T> {
  const lots = lotsFrom(source, codec, dead);
  return {
    name: lots.name,
    async *open(signal) {
      for await (const { items, ack, nack } of lots.open(signal))
        yield { items: items.flatMap(({ records }) => records), ack, nack };
    },
  };
}

/** The records of a topic, message by message. */
export function subscribingLots<T>(
  bus: Bus,
  { name, codec }: RecordTopic<T>,
  group: string,
  dead: DeadLetters,
): Source<Lot<T>> {
  return lotsFrom(bus.subscription(name, group), codec, dead);
}

function lotsFrom<T>(source: Source<Message>, codec: Codec<readonly T[]>, dead: DeadLetters): Source<Lot<T>> {
  return {
    name: source.name,
    async *open(signal) {
      for await (const delivery of source.open(signal)) {
        const opened = await readable(delivery, codec, dead, signal);
        if (opened === undefined) continue;
        if (opened.items.length > 0) yield opened;
        else await opened.ack();
      }
    },
  };
}

/** Undefined if it was nacked, since a dead letter could not be stored. */
async function readable<T>(
  delivery: Delivery<Message>,
  codec: Codec<readonly T[]>,
  dead: DeadLetters,
  signal: AbortSignal,
): Promise<Delivery<Lot<T>> | undefined> {
  const items: Lot<T>[] = [];
  try {
    for (const message of delivery.items) {
      const records = decoded(message, codec);
      if ("cause" in records) await dead.put(message, records.cause, signal);
      else if (records.length > 0) items.push({ message, records });
    }
  } catch (cause) {
    await delivery.nack(cause);
    return undefined;
  }
  return { items, ack: () => delivery.ack(), nack: (cause) => delivery.nack(cause) };
}

function decoded<T>({ value }: Message, codec: Codec<readonly T[]>): readonly T[] | { readonly cause: string } {
  try {
    return codec.decode(value);
  } catch (thrown) {
    return { cause: messageOf(thrown) };
  }
}

/** A topic of messages that nobody could read, with where they stood and why. */
export function deadLetterTopic(bus: Bus, name: string, onDead: (origin: string, cause: string) => void): DeadLetters {
  const publisher = bus.publisher(name);
  return {
    async put({ key, value, headers = {}, origin = "" }, cause, signal) {
      await publisher.write([{ key, value, headers: { ...headers, origin, cause } }], signal);
      onDead(origin, cause);
    },
  };
}

function chunks<T>(records: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(records.length / perMessage);
  return Array.from({ length: count }, (_, place) => records.slice(place * perMessage, (place + 1) * perMessage));
}

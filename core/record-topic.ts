import type { Bus, Message } from "./bus.ts";
import { messageOf, SluiceError } from "./errors.ts";
import type { Delivery, Sink, Source } from "./pipeline.ts";
import type { Framed, MessageCodec } from "./records/framed-batches.ts";

/** Records of a node keep their order; those of none keep theirs among themselves. */
export interface OfNode {
  readonly node?: string | null;
}

/** A topic whose messages hold many records of a kind. */
export interface RecordTopic<T> {
  readonly name: string;
  readonly codec: MessageCodec<T>;
}

/** So many keep a message well below what brokers take (1 MB), with labels and all. */
const perMessage = 500;

/** Records as messages of one node each, in their order. */
export function publishing<T extends OfNode>(bus: Bus, { name, codec }: RecordTopic<T>): Sink<T> {
  const publisher = bus.publisher(name);
  /** Resolves when the writes before have begun; undefined: they have. */
  let before: Promise<void> | undefined;
  return {
    name: publisher.name,
    write(records, signal) {
      const encoded = messagesOf(records, codec);
      const now = encoded.filter((message): message is Message => !(message instanceof Promise));
      if (before === undefined && now.length === encoded.length) return publisher.write(now, signal);
      const turn = Promise.all([...encoded, before]).then(() => allOf(encoded));
      const over = turn.then(
        () => {},
        () => {},
      );
      before = over;
      void over.then(() => {
        if (before === over) before = undefined;
      });
      return turn.then((messages) => publisher.write(messages, signal));
    },
  };
}

/** Each encoded at once, or when the registry knows the schema; with headers made of its records. */
export function messagesOf<T extends OfNode>(
  records: readonly T[],
  codec: MessageCodec<T>,
  headersOf?: (records: readonly T[]) => Readonly<Record<string, string>>,
): readonly (Message | Promise<Message>)[] {
  return [...Map.groupBy(records, ({ node }) => node ?? "")].flatMap(([key, ofNode]) =>
    chunks(ofNode).map((chunk) => keyed(key, codec.encode(chunk), headersOf?.(chunk))),
  );
}

/** Resolves when the last is encoded. */
export async function allOf(messages: readonly (Message | Promise<Message>)[]): Promise<readonly Message[]> {
  return Promise.all(messages.map((message) => Promise.resolve(message)));
}

function keyed(
  key: string,
  framed: Framed | Promise<Framed>,
  headers: Readonly<Record<string, string>> | undefined,
): Message | Promise<Message> {
  const message = (one: Framed): Message => ({
    key,
    ...one,
    ...(headers === undefined ? {} : { headers: { ...one.headers, ...headers } }),
  });
  return framed instanceof Promise ? framed.then(message) : message(framed);
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

/** The same of a source of messages; `look` sees each of them before its records are handed out. */
export function readingFrom<T>(
  source: Source<Message>,
  codec: MessageCodec<T>,
  dead: DeadLetters,
  look: (lot: Lot<T>) => void = () => {},
): Source<T> {
  const lots = lotsFrom(source, codec, dead);
  const recordsOf = (lot: Lot<T>) => {
    look(lot);
    return lot.records;
  };
  return {
    name: lots.name,
    async *open(signal) {
      for await (const { items, ack, nack } of lots.open(signal)) yield { items: items.flatMap(recordsOf), ack, nack };
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

function lotsFrom<T>(source: Source<Message>, codec: MessageCodec<T>, dead: DeadLetters): Source<Lot<T>> {
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
  codec: MessageCodec<T>,
  dead: DeadLetters,
  signal: AbortSignal,
): Promise<Delivery<Lot<T>> | undefined> {
  const items: Lot<T>[] = [];
  try {
    for (const message of delivery.items) {
      const records = await decoded(message, codec);
      if ("cause" in records) await dead.put(message, records.cause, signal);
      else if (records.length > 0) items.push({ message, records });
    }
  } catch (cause) {
    await delivery.nack(cause);
    return undefined;
  }
  return { items, ack: () => delivery.ack(), nack: (cause) => delivery.nack(cause) };
}

/** Throws what may be otherwise later: a schema registry that is away. */
async function decoded<T>(
  message: Message,
  codec: MessageCodec<T>,
): Promise<readonly T[] | { readonly cause: string }> {
  try {
    return await codec.decode(message);
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === "DECODE_FAILED") return { cause: messageOf(thrown) };
    throw thrown;
  }
}

/** A cause may quote what it could not read. */
const causeLength = 2_000;

/** A topic of messages that nobody could read, with where they stood and why. */
export function deadLetterTopic(bus: Bus, name: string, onDead: (origin: string, cause: string) => void): DeadLetters {
  const publisher = bus.publisher(name);
  return {
    async put({ key, value, headers = {}, origin = "" }, cause, signal) {
      await publisher.write(
        [{ key, value, headers: { ...headers, origin, cause: cause.slice(0, causeLength) } }],
        signal,
      );
      onDead(origin, cause);
    },
  };
}

function chunks<T>(records: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(records.length / perMessage);
  return Array.from({ length: count }, (_, place) => records.slice(place * perMessage, (place + 1) * perMessage));
}

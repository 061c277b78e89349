import type { Message } from "../../core/bus.ts";
import { messageOf } from "../../core/errors.ts";
import type { RecordTopics, TopicRecords } from "../bus/record-topics.ts";

/** A message that nobody could use, and what became of it. */
export interface Letter {
  /** Its offset in the topic of dead letters. */
  readonly id: number;
  /** When it became one, ms since the epoch. */
  readonly at: number;
  /** Where it stood. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly cause: string;
  readonly message: Message;
  readonly handled: Handled | null;
}

/** What somebody did about it; kept as JSON, by the letter's id. */
export interface Handled {
  readonly how: "replayed" | "dropped";
  /** ms since the epoch. */
  readonly at: number;
  /** How often it was sent again. */
  readonly replays: number;
  readonly reason: string | null;
}

export function letterOf(message: Message, handled: Handled | null): Letter {
  const { headers = {}, origin = "", at = 0 } = message;
  const [, topic = "", partition = "-1", offset = "-1"] = /^(.*)\/(\d+)@(\d+)$/.exec(headers["origin"] ?? "") ?? [];
  return {
    id: Number(origin.slice(origin.lastIndexOf("@") + 1)),
    ...{ at, topic, partition: Number(partition), offset: Number(offset) },
    ...{ cause: headers["cause"] ?? "", message, handled },
  };
}

/** What can be made of its bytes. */
export type Reading =
  | { readonly kind: keyof TopicRecords; readonly records: readonly object[] }
  | { readonly text: string; readonly error: string }
  | { readonly hex: string; readonly error: string };

/** How many bytes are shown of what nobody can read. */
const shownBytes = 256;

/** The records, if they are some of its topic, or of another; else the beginning of it. */
export async function readingOf({ topic, message }: Letter, topics: RecordTopics): Promise<Reading> {
  const kinds = topics.kinds;
  const own = kinds.find((kind) => topics.topic(kind).name === topic);
  let error = own === undefined ? `${topic} is no topic of this bus` : "";
  for (const kind of own === undefined ? kinds : [own, ...kinds])
    try {
      return { kind, records: await topics.topic(kind).codec.decode(message) };
    } catch (thrown) {
      error ||= messageOf(thrown);
    }
  const part = Buffer.from(message.value.subarray(0, shownBytes));
  const isText = !part.includes(0) && part.equals(Buffer.from(part.toString("utf8")));
  return isText && part.length > 0 ? { text: part.toString("utf8"), error } : { hex: part.toString("hex"), error };
}

import type { Clock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Framed, MessageCodec } from "../../core/records/framed-batches.ts";
import { type RecordTopics, replayHeader, type TopicRecords } from "../bus/record-topics.ts";
import { type Handled, type Letter, letterOf } from "./letter.ts";

/**
 * The dead letters of a bus. They stay where they are until the topic lets them go; what became of one stands in a topic of its own, of which
 * Kafka keeps the last word about each.
 */
export class DeadLetterBox {
  readonly #topics: RecordTopics;
  readonly #clock: Clock;

  constructor(topics: RecordTopics, clock: Clock) {
    this.#topics = topics;
    this.#clock = clock;
  }

  /** Oldest first. */
  async all(signal: AbortSignal): Promise<readonly Letter[]> {
    const { bus } = this.#topics;
    const [dead, handled] = [this.#topics.nameOf("dead"), this.#topics.nameOf("dead.handled")];
    const reader = bus.reader([dead, handled], this.#topics.nameOf("reader"));
    try {
      const read = async (topic: string) =>
        (
          await Promise.all(
            [...(await reader.extents(topic))].map(([partition, extent]) =>
              reader.read(topic, partition, extent, signal),
            ),
          )
        ).flat();
      const marks = new Map((await read(handled)).map(({ key, value }) => [key, handledOf(value)]));
      return (await read(dead)).map((message) => {
        const { id } = letterOf(message, null);
        return letterOf(message, marks.get(String(id)) ?? null);
      });
    } finally {
      await reader.close();
    }
  }

  /** Throws USAGE if there is no such letter. */
  async find(ids: readonly number[], signal: AbortSignal): Promise<readonly Letter[]> {
    const letters = new Map((await this.all(signal)).map((letter) => [letter.id, letter]));
    return ids.map((id) => {
      const letter = letters.get(id);
      if (letter !== undefined) return letter;
      throw new SluiceError("USAGE", `there is no dead letter ${id}; sluice dead list --all tells which there are`);
    });
  }

  /** Sends it again to where it came from, as it is or with these records instead. It is noted first when that is stored. */
  async replay(letter: Letter, records: readonly object[] | undefined, signal: AbortSignal): Promise<void> {
    const kind = this.#topics.kinds.find((one) => this.#topics.topic(one).name === letter.topic);
    if (kind === undefined)
      throw new SluiceError(
        "USAGE",
        `dead letter ${letter.id} is of ${letter.topic || "nowhere"}, no topic of this bus`,
      );
    const { origin: _, cause: __, ...headers } = letter.message.headers ?? {};
    const framed = records === undefined ? letter.message : await this.#encoded(kind, records);
    const marked = { ...headers, ...(records === undefined ? {} : framed.headers), [replayHeader]: String(letter.id) };
    const message = { key: letter.message.key, value: framed.value, headers: marked };
    await this.#topics.bus.publisher(letter.topic).write([message], signal);
    const replays = (letter.handled?.replays ?? 0) + 1;
    await this.#note(letter, { how: "replayed", at: this.#clock.now(), replays, reason: null }, signal);
  }

  async drop(letter: Letter, reason: string, signal: AbortSignal): Promise<void> {
    const replays = letter.handled?.replays ?? 0;
    await this.#note(letter, { how: "dropped", at: this.#clock.now(), replays, reason }, signal);
  }

  async #note({ id }: Letter, handled: Handled, signal: AbortSignal): Promise<void> {
    const value = Buffer.from(JSON.stringify(handled));
    await this.#topics.bus.publisher(this.#topics.nameOf("dead.handled")).write([{ key: String(id), value }], signal);
  }

  /** Throws USAGE for what are no records of the kind. */
  async #encoded(kind: keyof TopicRecords, records: readonly object[]): Promise<Framed> {
    const codec = this.#topics.topic(kind).codec as MessageCodec<object>;
    try {
      const framed = await codec.encode(records);
      const read = await codec.decode(framed);
      const differing = read.findIndex((one, place) => !isSame(one, records[place]));
      if (differing === -1) return framed;
      throw new Error(
        `record ${differing + 1} would not be read as it is written: a field is missing, or of another type`,
      );
    } catch (thrown) {
      throw new SluiceError("USAGE", `these are no records of ${kind}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

/** Whatever the order of keys. */
function isSame(read: unknown, given: unknown): boolean {
  if (typeof read !== "object" || read === null) return read === given;
  if (typeof given !== "object" || given === null) return false;
  const keys = Object.keys(read);
  return (
    keys.length === Object.keys(given).length &&
    keys.every((key) => isSame((read as Record<string, unknown>)[key], (given as Record<string, unknown>)[key]))
  );
}

function handledOf(value: Uint8Array): Handled {
  return JSON.parse(Buffer.from(value).toString("utf8")) as Handled;
}

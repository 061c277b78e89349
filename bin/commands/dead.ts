import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { confirmed } from "../confirmed.ts";
import type { DeadLetterBox } from "../dead/dead-letters.ts";
import { type Letter, type Reading, readingOf } from "../dead/letter.ts";
import { addBusSettings, letterId, withDeadLetters } from "../dead/options.ts";
import { edited, recordsIn } from "../dead/records-file.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import type { Shape } from "../formats/format.ts";
import { letterShape } from "../formats/letter-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { addOutputOptions, type OutputOptions, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
A message that nobody can read, or that Elasticsearch will never take, is kept as a dead letter, so that it holds nothing up. It can be sent
again, as it is once a newer version reads it, or mended. Letters stay until the topic lets them go (bus.retention-ms), whatever is done.

Examples:
  sluice dead list --bus.brokers kafka-0:9092
  sluice dead show 17 -o json > letter.json               mend its records, and then
  sluice dead replay 17 --record letter.json --yes
  sluice dead drop 18 --reason "a test of the network" --yes
${exitCodeHelp}`;

export function deadCommand(rim: Rim = realRim): Command {
  return new Command("dead")
    .description("messages that could not be used: look at them, mend them, send them again")
    .addCommand(listCommand(rim))
    .addCommand(showCommand(rim))
    .addCommand(replayCommand(rim))
    .addCommand(dropCommand(rim))
    .addHelpText("after", examples);
}

interface ListOptions extends OutputOptions {
  readonly all: boolean;
  readonly topic?: string;
}

function listCommand(rim: Rim): Command {
  const command = new Command("list")
    .description("those that nobody has done anything about")
    .option("--all", "also those that were sent again or dropped", false)
    .option("--topic <name>", "only of this topic")
    .addHelpText("after", exitCodeHelp);
  return addBusSettings(addOutputOptions(command)).action((options: ListOptions) =>
    withDeadLetters(options, async (box, _topics, signal) => {
      const wanted = ({ handled, topic }: Letter) =>
        (options.all || handled === null) && (options.topic === undefined || topic === options.topic);
      const letters = (await box.all(signal)).filter(wanted);
      await print(letterShape, letters, options, rim);
      if (letters.length === 0) rim.note("no dead letters");
    }),
  );
}

function showCommand(rim: Rim): Command {
  const command = new Command("show")
    .description("one as a whole, with its records as far as they can be read")
    .argument("<id>", "as sluice dead list tells it", letterId)
    .addHelpText("after", exitCodeHelp);
  return addBusSettings(addOutputOptions(command)).action((ids: readonly number[], options: OutputOptions) =>
    withDeadLetters(options, async (box, topics, signal) => {
      const letters = await box.find(ids, signal);
      const readings = new Map<Letter, Reading>();
      for (const letter of letters) readings.set(letter, await readingOf(letter, topics));
      const shape: Shape<Letter> = {
        ...letterShape,
        objectOf: (letter) => ({
          ...letterShape.objectOf(letter),
          headers: letter.message.headers ?? {},
          ...readings.get(letter),
        }),
      };
      const whole = { ...options, output: options.output === "table" ? ("yaml" as const) : options.output };
      await print(shape, letters, whole, rim);
    }),
  );
}

interface ReplayOptions {
  readonly record?: string;
  readonly edit: boolean;
  readonly all: boolean;
  readonly yes: boolean;
}

function replayCommand(rim: Rim): Command {
  const command = new Command("replay")
    .description("send them again to the topic they come from")
    .argument("[id...]", "as sluice dead list tells them", letterId)
    .option("--record <file>", "with the records of this file instead: JSON as sluice dead show prints it")
    .option("--edit", "with the records as you leave them in $EDITOR", false)
    .option("--all", "all that wait", false)
    .option("--yes", "without asking", false)
    .addHelpText("after", exitCodeHelp);
  return addBusSettings(command).action((ids: readonly number[], options: ReplayOptions) =>
    withDeadLetters(options, async (box, topics, signal) => {
      const { record, edit, all, yes } = options;
      const letters = await chosen(box, ids, all, signal);
      if ((record !== undefined || edit) && letters.length !== 1)
        throw new SluiceError("USAGE", "--record and --edit mend one dead letter: give one id");
      const records = record !== undefined ? recordsIn(record) : edit ? await mended(letters, topics, rim) : undefined;
      const again = letters.filter(({ handled }) => handled !== null).map(({ id }) => id);
      const warning = again.length === 0 ? "" : ` (${again.join(", ")} not for the first time)`;
      await confirmed(`Send ${countText(letters)} again${warning}?`, yes);
      for (const letter of letters) await box.replay(letter, records, signal);
      rim.note(`${countText(letters)} sent again`);
    }),
  );
}

async function mended(
  letters: readonly Letter[],
  topics: Parameters<typeof readingOf>[1],
  rim: Rim,
): Promise<readonly object[]> {
  const [letter] = letters as readonly [Letter];
  const reading = await readingOf(letter, topics);
  if ("records" in reading) return edited(reading.records, rim.env);
  throw new SluiceError(
    "USAGE",
    `dead letter ${letter.id} cannot be read (${reading.error}), so there is nothing to edit; --record takes others`,
  );
}

interface DropOptions {
  readonly reason: string;
  readonly all: boolean;
  readonly yes: boolean;
}

function dropCommand(rim: Rim): Command {
  const command = new Command("drop")
    .description("note that nothing will be done about them")
    .argument("[id...]", "as sluice dead list tells them", letterId)
    .requiredOption("--reason <text>", "why")
    .option("--all", "all that wait", false)
    .option("--yes", "without asking", false)
    .addHelpText("after", exitCodeHelp);
  return addBusSettings(command).action((ids: readonly number[], { reason, all, yes, ...options }: DropOptions) =>
    withDeadLetters(options, async (box, _topics, signal) => {
      const letters = await chosen(box, ids, all, signal);
      await confirmed(`Drop ${countText(letters)}?`, yes);
      for (const letter of letters) await box.drop(letter, reason, signal);
      rim.note(`${countText(letters)} dropped`);
    }),
  );
}

async function chosen(
  box: DeadLetterBox,
  ids: readonly number[] | undefined,
  all: boolean,
  signal: AbortSignal,
): Promise<readonly Letter[]> {
  if (all === (ids?.length ?? 0) > 0) throw new SluiceError("USAGE", "give ids of dead letters, or --all");
  return all ? (await box.all(signal)).filter(({ handled }) => handled === null) : box.find(ids ?? [], signal);
}

async function print<T>(shape: Shape<T>, items: readonly T[], options: OutputOptions, rim: Rim): Promise<void> {
  const printer = printerFor(options.output, shape, recordOutput(options, rim));
  await printer.print(items);
  await printer.end();
}

const countText = (letters: readonly Letter[]) =>
  letters.length === 1 ? `dead letter ${letters[0]?.id}` : `${letters.length} dead letters`;

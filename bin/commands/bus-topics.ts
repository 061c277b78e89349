import { Command } from "commander";
import { ensureTopics, topicStates } from "../../core/bus-kafka/topics.ts";
import type { Config } from "../../core/config.ts";
import { stderrLog } from "../../core/log.ts";
import { connectionOf } from "../bus/connection.ts";
import { asking, requireBus } from "../bus/open-bus.ts";
import { printItems } from "../bus/print-items.ts";
import { topicPlans } from "../bus/topics.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { topicShape } from "../formats/topic-shape.ts";
import { addSettings, configOf } from "../options.ts";
import { addOutputOptions, type OutputOptions } from "../record-options.ts";
import type { Rim } from "../rim.ts";

const examples = `
What topics should be, and are. With --apply those that are missing are made, partitions added, settings changed; partitions are never taken away,
and copies are moved by Kafka's own tools.

Examples:
  sluice bus topics --bus.brokers kafka-0:9092
  sluice bus topics --bus.brokers kafka-0:9092 --bus.partitions 24 --apply
${exitCodeHelp}`;

/** Only the bus. */
export const notTheBus = /^(?!bus\.)/;

interface Options extends OutputOptions {
  readonly apply: boolean;
}

export function busTopicsCommand(rim: Rim): Command {
  const command = new Command("topics")
    .description("what topics should be, and are; --apply makes them so")
    .option("--apply", "make and change them", false)
    .addHelpText("after", examples);
  addOutputOptions(command);
  return addSettings(command, { decided: notTheBus }).action(async ({ apply, ...options }: Options) => {
    const config = configOf({ ...options }, rim.env);
    requireBus(config);
    if (apply) for (const { topic, what } of await asking(config, () => applied(config))) rim.note(`${topic}: ${what}`);
    await printItems(await asking(config, () => states(config)), topicShape, options, rim);
  });
}

function applied(config: Config): ReturnType<typeof ensureTopics> {
  return ensureTopics(connectionOf(config), topicPlans(config), stderrLog(config.log.level));
}

function states(config: Config): ReturnType<typeof topicStates> {
  return topicStates(connectionOf(config), topicPlans(config), stderrLog(config.log.level));
}

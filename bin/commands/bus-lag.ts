import { Command } from "commander";
import { groupLags } from "../../core/bus-kafka/lag.ts";
import { stderrLog } from "../../core/log.ts";
import { connectionOf } from "../bus/connection.ts";
import { asking, requireBus } from "../bus/open-bus.ts";
import { printItems } from "../bus/print-items.ts";
import { topicPlans } from "../bus/topics.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { lagShape } from "../formats/lag-shape.ts";
import { addSettings, configOf } from "../options.ts";
import { addOutputOptions, type OutputOptions } from "../record-options.ts";
import type { Rim } from "../rim.ts";
import { notTheBus } from "./bus-topics.ts";

const examples = `
Of each group, topic and partition: messages that are not acked, and the age of the oldest of them, within a fiftieth.

Examples:
  sluice bus lag --bus.brokers kafka-0:9092
  sluice bus lag --bus.brokers kafka-0:9092 -o json
${exitCodeHelp}`;

export function busLagCommand(rim: Rim): Command {
  const command = new Command("lag")
    .description("how far behind the readers of topics are")
    .addHelpText("after", examples);
  addOutputOptions(command);
  return addSettings(command, { decided: notTheBus }).action(async (options: OutputOptions) => {
    const config = configOf({ ...options }, rim.env);
    requireBus(config);
    const names = { groupPrefix: `${config.bus.prefix}.`, topics: topicPlans(config).map(({ name }) => name) };
    const lags = await asking(config, () =>
      groupLags(connectionOf(config), names, rim.clock, stderrLog(config.log.level)),
    );
    await printItems(lags, lagShape, options, rim);
    if (lags.length === 0) rim.note("there is no group that reads a topic of ours");
  });
}

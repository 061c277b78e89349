import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { busAclsCommand } from "./bus-acls.ts";
import { busLagCommand } from "./bus-lag.ts";
import { busTopicsCommand } from "./bus-topics.ts";

const examples = `
Examples:
  sluice bus topics --bus.brokers kafka-0:9092
  sluice bus acls --role collector
  sluice bus lag --bus.brokers kafka-0:9092
${exitCodeHelp}`;

export function busCommand(rim: Rim = realRim): Command {
  return new Command("bus")
    .description("topics of Kafka, who may use them, and how far behind their readers are")
    .addHelpText("after", examples)
    .addCommand(busTopicsCommand(rim))
    .addCommand(busAclsCommand(rim))
    .addCommand(busLagCommand(rim));
}

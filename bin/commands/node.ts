import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { nodeRunCommand } from "./node-run.ts";
import { nodeStatusCommand } from "./node-status.ts";

const examples = `
Examples:
  sluice node run --node.name node-1 --objects.folder DIR --bus.brokers kafka-0:9092
  sluice node status
${exitCodeHelp}`;

export function nodeCommand(rim: Rim = realRim): Command {
  return new Command("node")
    .description("the nodes that Sluice works on")
    .addHelpText("after", examples)
    .addCommand(nodeRunCommand())
    .addCommand(nodeStatusCommand(rim));
}

import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { nodeStatusCommand } from "./node-status.ts";

const examples = `
Example:
  sluice node status
${exitCodeHelp}`;

export function nodeCommand(rim: Rim = realRim): Command {
  return new Command("node")
    .description("the nodes that Sluice works on")
    .addHelpText("after", examples)
    .addCommand(nodeStatusCommand(rim));
}
